//! The command line of the proxy.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{CommandFactory as _, Parser};

use crate::log::{LogFormat, LogLevel};

/// An HTTP reverse proxy that balances as Apache's `mod_proxy_balancer` does.
///
/// It stays in the foreground, logs to standard error, and ends on SIGTERM or SIGINT after the requests in flight.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, Parser)]
#[command(
    name = "evenkeel-proxy",
    version,
    max_term_width = 100,
    override_usage = "evenkeel-proxy -f <FILE> [OPTIONS]"
)]
pub struct Options {
    /// The configuration, in Apache's syntax.
    #[arg(short = 'f', value_name = "FILE", required_unless_present_any = ["help_directives", "man"])]
    pub configuration: Option<PathBuf>,

    /// Only check the configuration, and say what is wrong where.
    #[arg(short = 't')]
    pub test: bool,

    /// With -t or at start: refuse what is accepted with a warning because httpd accepts it.
    #[arg(long)]
    pub strict: bool,

    /// Start although directives that would close something are not supported, and answer 503 on their paths.
    #[arg(long)]
    pub fence: bool,

    /// Define NAME for `<IfDefine>`.
    #[arg(short = 'D', value_name = "NAME")]
    pub define: Vec<String>,

    /// The folder for the admin socket and the state; by default one a configuration, in the user's runtime folder.
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,

    /// Worker threads; by default as many as the processors that the process may use.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,

    /// The form of the log.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// How much is logged.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,

    /// List the directives that are understood, and end.
    #[arg(long)]
    pub help_directives: bool,

    /// Print the manual page, in roff, and end.
    #[arg(long)]
    pub man: bool,
}

/// Writes the manual page, in roff.
///
/// # Errors
///
/// Whatever `out` fails with.
pub fn manual(out: &mut impl Write) -> io::Result<()> {
    clap_mangen::Man::new(Options::command()).section("8").render(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn a_configuration_is_needed() {
        for line in
            [&["evenkeel-proxy"][..], &["evenkeel-proxy", "site.conf"], &["evenkeel-proxy", "--config", "x"]]
        {
            let told = Options::try_parse_from(line).unwrap_err().to_string();
            assert!(told.contains("Usage: evenkeel-proxy -f <FILE> [OPTIONS]"), "{told}");
        }
        assert!(Options::try_parse_from(["evenkeel-proxy", "--help-directives"]).is_ok());
        assert!(Options::try_parse_from(["evenkeel-proxy", "-f", "x", "--threads", "0"]).is_err());
        let options = Options::try_parse_from(["evenkeel-proxy", "-t", "-f", "x", "-DA", "-D", "B"]).unwrap();
        assert_eq!((options.test, options.define), (true, vec!["A".to_owned(), "B".to_owned()]));
    }
}
