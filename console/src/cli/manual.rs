//! The manual page: one page for all commands, made from the same words as `--help`.

use std::io::{self, Write};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::Cli;

/// Writes the manual page, in roff.
///
/// # Errors
///
/// Whatever `out` fails with.
pub fn page(out: &mut impl Write) -> io::Result<()> {
    let mut whole = Cli::command();
    whole.build();
    let man = Man::new(whole.clone());
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    for command in whole.get_subcommands().filter(|command| command.get_name() != "help") {
        section(command, out)?;
    }
    man.render_extra_section(out)?;
    man.render_version_section(out)
}

/// What a page of its own would say of a command, as a section of the page of all.
fn section(command: &Command, out: &mut impl Write) -> io::Result<()> {
    let man = Man::new(command.clone());
    let mut text = Vec::new();
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    man.render_extra_section(&mut text)?;
    let text = String::from_utf8_lossy(&text).replace("\n.SH ", "\n.SS ");
    let text = text.strip_prefix(".SH ").map_or_else(|| text.clone(), |rest| format!(".SS {rest}"));
    writeln!(out, ".SH \"EVENKEEL {}\"", command.get_name().to_uppercase())?;
    out.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_every_command_and_option_and_the_exit_codes() {
        let mut page = Vec::new();
        super::page(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        let mut whole = Cli::command();
        whole.build();
        for command in whole.get_subcommands().filter(|command| command.get_name() != "help") {
            let heading = format!(".SH \"EVENKEEL {}\"\n", command.get_name().to_uppercase());
            let section = page.split_once(&heading).unwrap_or_else(|| panic!("{heading}")).1;
            let section = section.split("\n.SH ").next().unwrap();
            let shown = command.get_arguments().filter(|option| !option.is_hide_set());
            for option in shown.filter_map(|option| option.get_long()) {
                let roff = option.replace('-', "\\-");
                assert!(section.contains(&roff), "{} --{option}: {section}", command.get_name());
            }
        }
        assert!(page.contains("124") && page.contains("refused by a guard"));
    }
}
