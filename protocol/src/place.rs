//! Where proxies put their admin sockets, and consoles look for them: `FOLDER/NAME/admin.sock`.
//!
//! Pure: who calls tells its user number and environment.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The name of the admin socket within a proxy's run folder.
pub const ADMIN_SOCKET: &str = "admin.sock";
/// The name of the socket beside it that only lets look.
pub const READ_SOCKET: &str = "read.sock";

/// The folder that holds the run folders of one user's proxies: `/run/evenkeel` for root, else
/// `$XDG_RUNTIME_DIR/evenkeel`, else `/tmp/evenkeel-UID`.
pub fn runtime_folder(uid: u32, xdg_runtime_dir: Option<&Path>) -> PathBuf {
    match xdg_runtime_dir {
        _ if uid == 0 => PathBuf::from("/run/evenkeel"),
        Some(folder) if folder.is_absolute() => folder.join("evenkeel"),
        _ => PathBuf::from(format!("/tmp/evenkeel-{uid}")),
    }
}

/// One name a configuration, from its absolute path: the file's stem and a short hash, `site-1f3a9c`.
pub fn run_name(configuration: &Path) -> String {
    let stem: String = configuration
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' })
        .take(40)
        .collect();
    // FNV-1a, because the name must be the same in each run of each version.
    let fold = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let hash = configuration.as_os_str().as_bytes().iter().fold(0x811c_9dc5, fold);
    format!("{stem}-{:06x}", hash & 0x00ff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_a_folder() {
        let xdg = Path::new("/run/user/7");
        assert_eq!(runtime_folder(0, Some(xdg)), Path::new("/run/evenkeel"));
        assert_eq!(runtime_folder(7, Some(xdg)), Path::new("/run/user/7/evenkeel"));
        assert_eq!(runtime_folder(7, None), Path::new("/tmp/evenkeel-7"));
        assert_eq!(runtime_folder(7, Some(Path::new("relative"))), Path::new("/tmp/evenkeel-7"));
    }

    #[test]
    fn each_configuration_has_a_name_that_is_a_plain_file_name() {
        let name = run_name(Path::new("/etc/a b/si te.conf"));
        assert_eq!(name, "si_te-63258e");
        assert_ne!(name, run_name(Path::new("/etc/other/si te.conf")));
        assert_eq!(name, run_name(Path::new("/etc/a b/si te.conf")));
        assert!(!run_name(Path::new("/")).contains('/'));
    }
}
