//! The program: options in, exit code out.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser as _;
use evenkeel_proxy::config::{self, ReadOptions};
use evenkeel_proxy::inherited::Inherited;
use evenkeel_proxy::options::{self, Options};
use evenkeel_proxy::server::{self, StartOptions};
use evenkeel_proxy::service::{self, Stands};
use evenkeel_proxy::signal::End;
use evenkeel_proxy::{log, signal};

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(code) => code,
        // A reader that has seen enough, as in `… --help-directives | head`.
        Err(why)
            if why.downcast_ref::<io::Error>().is_some_and(|why| why.kind() == io::ErrorKind::BrokenPipe) =>
        {
            ExitCode::SUCCESS
        }
        Err(why) => {
            say(&format!("evenkeel-proxy: {why:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> anyhow::Result<ExitCode> {
    if options.help_directives {
        let mut out = io::stdout().lock();
        for (directive, contexts, meaning) in config::directives() {
            writeln!(out, "{directive}\n    {meaning} ({contexts})")?;
        }
        for (whose, keyword, range, meaning) in config::parameters() {
            writeln!(out, "{whose} {keyword}=\n    {meaning} ({range})")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if options.man {
        options::manual(&mut io::stdout().lock())?;
        return Ok(ExitCode::SUCCESS);
    }
    let path = options.configuration.unwrap_or_default();
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let reading = ReadOptions { fence: options.fence, strict: options.strict, defines: options.define };
    let config = match config::read(&path, &reading) {
        Ok(config) => config,
        Err(report) => {
            say(report.render(colour).trim_end());
            return Ok(ExitCode::FAILURE);
        }
    };
    for warning in &config.warnings {
        say(&warning.render(colour));
    }
    if options.test {
        say("Syntax OK");
        return Ok(ExitCode::SUCCESS);
    }
    let inherited =
        Arc::new(Inherited::take().context("what the service manager listens on cannot be used")?);
    let _flush = log::start(options.log_format, options.log_level);
    let ending = signal::Ending::install()?;
    let start = StartOptions {
        configuration: path,
        reading: Some(reading),
        run_dir: options.run_dir,
        threads: options.threads,
        inherited,
    };
    let running = server::start(config, &start)?;
    service::tell(Stands::Ready);
    let how = ending.wait(&running.reload(), running.hurry());
    service::tell(Stands::Stopping);
    tracing::info!("ending; requests in flight may finish");
    match how {
        End::Soon => running.stop(),
        End::Patiently => running.stop_patiently(),
    }
    Ok(ExitCode::SUCCESS)
}

/// Standard error may be closed; there is nobody left to tell then.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
