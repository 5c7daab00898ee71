import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS, type LogLevel } from '../runs/events.ts';
import { CI_SYSTEMS } from '../spec/kinds.ts';
import { didYouMean } from '../spec/suggest.ts';
import { toCommandForm } from './command-form.ts';
import { type CompletedCommand, completionScript, SHELLS, type Shell } from './completion-script.ts';
import type { CommandContext, GlobalOptions } from './context.ts';
import { EXIT, type ExitCode, reportFailure, usageError } from './failure.ts';
import type { Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

const EXAMPLES = `
Examples:
  ingest                                  run all enabled jobs of the project in this folder
  ingest -c shop run --job orders         run one job of the project in shop/
  ingest run --job tag:daily --parallel   run the jobs with a tag, several at a time
  ingest run --sample 1000                try it: about 1,000 rows a job, state untouched
  ingest validate                         everything that can be checked without a connection
  ingest list --json | jq '.[].table_name'
  ingest preview orders                   first pages or rows, with the request that gave them
  ingest preflight orders                 what its next run would read, and whether it would land
  ingest state show                       how far each job has come

The flag form works too: ingest --validate, ingest --list, ingest --job orders.
Exit codes: 0 all well · 1 a job failed · 2 the configuration or the arguments cannot be used · 130 cancelled.`;

/**
 * Parses arguments (without `node` and the script) and runs the command. Never throws: what goes wrong is printed and becomes the exit code.
 * Commands are loaded when they are run, so that `--help` does not wait for a database engine.
 */
export async function runCommandLine(
  args: readonly string[],
  terminal: Terminal,
  env: Record<string, string | undefined>,
): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const wanted = { json: args.includes('--json'), debug: /--log-level[ =]debug/i.test(args.join(' ')) };
  const program = buildProgram(terminal, env, (code) => {
    exitCode = code;
  });
  const commands = program.commands.flatMap((command) => [command.name(), ...command.aliases()]);
  try {
    await program.parseAsync(toCommandForm(args, [...commands, 'help']), { from: 'user' });
    return exitCode;
  } catch (error) {
    // commander has printed its own message by now; a missing subcommand is answered with help and is no success
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.unusable;
    return reportFailure(error, terminal, wanted);
  }
}

/** One row of this table is one command: its words, its options, and where its code is. */
function buildProgram(terminal: Terminal, env: CommandContext['env'], setExitCode: (code: ExitCode) => void): Command {
  const program = new Command('ingest')
    .description(
      'Runs ingestion jobs that are written in a workbook: reads databases, APIs and files, lands them in DuckDB, Parquet, Delta or Databricks.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help; also after a command')
    .option('-c, --config <dir>', 'folder of the project', '.')
    .option('--env <name>', 'lay .dlt/config.NAME.toml over .dlt/config.toml')
    .addOption(
      new Option('--log-level <level>', 'how much to tell on stderr')
        .choices([...LOG_LEVELS])
        .default('INFO')
        .argParser(parseLevel),
    )
    .option('--json', 'machine-readable result on stdout')
    .option('--no-color', 'plain text (NO_COLOR does it too)')
    .option('--work-dir <dir>', 'where everything that is written goes; the project may then be read-only')
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) =>
        [
          command.name(),
          command.name() === 'run' ? '' : command.usage().replace('[options] ', '').replace('[options]', ''),
        ]
          .join(' ')
          .trim(),
    })
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.tell(text.trimEnd()),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText('after', EXAMPLES);

  /** Hands a command its context; what it returns is the exit code. */
  const act =
    <Args extends unknown[], Options>(
      run: (context: CommandContext, args: Args, options: Options) => Promise<ExitCode>,
    ) =>
    async (...received: unknown[]): Promise<void> => {
      const command = received.at(-1) as Command;
      const globals = command.optsWithGlobals<GlobalOptions>();
      const operands = received.slice(0, -2) as Args;
      const context = { terminal, env, globals };
      const [{ terminalDesk }, { withSignInDesk }] = await Promise.all([
        import('./sign-in-desk.ts'),
        import('../sign-in/sign-in-desk.ts'),
      ]);
      setExitCode(await withSignInDesk(terminalDesk(context), () => run(context, operands, command.opts() as Options)));
    };

  program
    .command('run', { isDefault: true })
    .summary('run jobs (the default command)')
    .description(
      'Runs all enabled jobs, or those that --job selects. What was loaded before is not read again where a job is INCREMENTAL.',
    )
    .argument('[words...]')
    .addHelpText(
      'after',
      '\nExamples:\n  ingest run --job shop.orders --job tag:daily\n  ingest run --destination parquet --sample 100\n  ingest run --full-refresh --job orders',
    )
    .option('-j, --job <selector>', 'a table, source.table or tag:NAME; may be given several times', collect)
    .option('--parallel', 'several jobs at a time')
    .option('--workers <n>', 'how many at a time, 1–20; means --parallel', parseWhole(1, 20))
    .option('--destination <name>', 'where to load into; default: what the Pipeline sheet or config.toml says')
    .option('--sample <rows>', 'read about so many rows a job and leave state untouched', parseWhole(1, 1_000_000_000))
    .option('--full-refresh', 'forget how far the selected jobs have come and load everything again')
    .option('--stop-on-error', 'start no further job after one has failed')
    .option('--skip-invalid', 'run the valid jobs although others are invalid (exit code 1)')
    .action(
      act(async (context, [words]: [string[]], options) => {
        if (words.length > 0) throw unknownCommand(words[0] as string, program);
        return (await import('./commands/run.ts')).run(context, options as never);
      }),
    );
  hideArguments(program.commands.at(-1) as Command);

  program
    .command('validate')
    .summary('check the project without connecting to anything')
    .description(
      'Checks jobs, checks, settings, connections and that every enabled job has its secrets. Prints all findings, not the first.',
    )
    .option('--no-secrets', 'do not look for secrets')
    .action(
      act(async (context, _args, options) =>
        (await import('./commands/validate.ts')).validate(context, options as never),
      ),
    );

  program
    .command('list')
    .summary('list all jobs, disabled ones too')
    .description(
      'Lists all jobs in the order of the workbook: what they read, how, and whether they are enabled and valid.',
    )
    .option('-j, --job <selector>', 'a table, source.table or tag:NAME; may be given several times', collect)
    .action(
      act(async (context, _args, options) => (await import('./commands/list.ts')).list(context, options as never)),
    );

  program
    .command('test')
    .summary('test connections and destinations, stage by stage')
    .description(
      'Tests connections and destinations: name, network, encryption, sign-in, permission, first read. Without names: all that enabled jobs read from. Into a bucket a probe object is written, and removed.',
    )
    .argument('[connections...]', 'names of connections or destinations')
    .action(act(async (context, [names]: [string[]]) => (await import('./commands/test.ts')).test(context, names)));

  program
    .command('discover')
    .summary('show what a connection holds: tables, files, resources')
    .argument('<connection>', 'name of a connection')
    .option('--schema <name>', 'only this schema')
    .option('--search <text>', 'only names that hold this text')
    .option('--columns', 'with columns and keys')
    .addHelpText(
      'after',
      '\nExamples:\n  ingest discover warehouse --schema public --columns\n  ingest discover files --search sales',
    )
    .action(
      act(async (context, [name]: [string], options) =>
        (await import('./commands/discover.ts')).discover(context, name, options as never),
      ),
    );

  program
    .command('preview')
    .summary('first pages or rows of a job; leaves no trace')
    .description(
      'Asks the source for the first pages or rows of a job and shows them, with the request that gave them and why the read would end. Nothing is loaded, no state moves.',
    )
    .argument('<job>', 'table or source.table')
    .option('--pages <n>', 'pages of an API to ask for', parseWhole(1, 100), 2)
    .option('--rows <n>', "rows to show; of an API's page each", parseWhole(1, 10_000), 10)
    .option('--record <file>', "keep an API's requests and responses (64 MiB at most) in a file, without secrets")
    .option('--replay <file>', 'answer from such a file instead of the network')
    .action(
      act(async (context, [job]: [string], options) =>
        (await import('./commands/preview.ts')).preview(context, job, options as never),
      ),
    );

  program
    .command('preflight')
    .summary('what the next run would read, and whether it would land')
    .description(
      "For each job: the SQL, request or files of the next run with the watermark, its columns against the destination's live tables, locks, load packages that wait, and rows that came late. Nothing is written. Exit code 1 where a job would fail.",
    )
    .argument('[jobs...]', 'table, source.table or tag:NAME; default: all enabled jobs')
    .option('--destination <name>', 'default: the one that a run would use')
    .option('--no-source', 'do not ask sources: only state, locks, packages and room')
    .option('--no-late-rows', 'do not look below the watermarks for rows that came late')
    .option('--look-back <distance>', 'how far below: a duration or a number; default: 1d, 100000')
    .addHelpText(
      'after',
      '\nExamples:\n  ingest preflight orders\n  ingest preflight tag:daily --destination lake --json',
    )
    .action(
      act(async (context, [jobs]: [string[]], options) =>
        (await import('./commands/preflight.ts')).preflight(context, jobs, options as never),
      ),
    );

  program
    .command('check')
    .summary('data quality checks on what is loaded')
    .description(
      'Runs the checks of sheet DataQuality on the destination, without loading anything, and writes a report. Exit code 1 where a critical check failed.',
    )
    .option('-j, --job <selector>', 'tables of these jobs only; may be given several times', collect)
    .option('--destination <name>', 'default: the one that a run would use')
    .action(
      act(async (context, _args, options) => (await import('./commands/check.ts')).check(context, options as never)),
    );

  const state = program
    .command('state')
    .summary('how far jobs have come: show, set, reset, unlock')
    .description(
      'How far each job has come is kept in the destination, with the data. These commands look at it and change it.',
    );
  state
    .command('show')
    .summary('watermarks of the jobs in a destination')
    .description('Shows how far each job has come in a destination, and when.')
    .argument('[jobs...]', 'table, source.table or tag:NAME')
    .option('--destination <name>', 'default: the one that a run would use')
    .action(
      act(async (context, [jobs]: [string[]], options) =>
        (await import('./commands/state.ts')).showState(context, jobs, options as never),
      ),
    );
  state
    .command('set')
    .summary('set the watermark of a job: the next run reads from there')
    .description(
      'Sets the watermark of a job: its next run reads from there on. With a primary_key rows that are there already are replaced; without one they land again.',
    )
    .argument('<job>', 'table or source.table')
    .argument('<watermark>', "the watermark in the source's own text, e.g. 2026-01-31T00:00:00Z")
    .option('--destination <name>', 'default: the one that a run would use')
    .action(
      act(async (context, [job, watermark]: [string, string], options) =>
        (await import('./commands/state.ts')).setState(context, job, watermark, options as never),
      ),
    );
  state
    .command('reset')
    .summary('forget how far jobs have come: the next run begins anew')
    .description(
      'Forgets how far jobs have come: their next run begins at last_watermark, or with everything. What is loaded stays; ingest run --full-refresh replaces it.',
    )
    .argument('<jobs...>', 'table, source.table or tag:NAME')
    .option('--destination <name>', 'default: the one that a run would use')
    .action(
      act(async (context, [jobs]: [string[]], options) =>
        (await import('./commands/state.ts')).resetState(context, jobs, options as never),
      ),
    );

  state
    .command('unlock')
    .summary('remove the lock that a run on another computer left behind')
    .description(
      'Removes the lock that a run on another computer left behind. Only where that run is really gone: two runs on one target would mix.',
    )
    .argument('<target>', 'table, source.table, or schema.table in the destination')
    .option('--destination <name>', 'default: the one that a run would use')
    .action(
      act(async (context, [target]: [string], options) =>
        (await import('./commands/state.ts')).unlockState(context, target, options as never),
      ),
    );

  program
    .command('secrets')
    .summary('where secrets come from')
    .description(
      'Secrets are looked up in the environment, a key vault, .dlt/secrets.toml and the keychain, in this order.',
    )
    .command('explain')
    .summary('the place that each secret comes from, never its value')
    .description(
      'Shows where each secret comes from (environment, key vault, .dlt/secrets.toml, keychain) and which places were overruled. Never a value.',
    )
    .action(act(async (context) => (await import('./commands/secrets.ts')).explainSecrets(context)));

  program
    .command('export')
    .summary('write a bundle of the project that runs elsewhere')
    .description(
      'Writes workbook, configuration and the names of the secrets to a folder, checked and with hashes that `run` verifies. Secret values, state and metadata stay here.',
    )
    .requiredOption('-o, --output <dir>', 'folder for the bundle; what it holds of an earlier export is replaced')
    .option('--dab', 'with a Databricks Asset Bundle: databricks.yml and the launcher')
    .option('--dab-image <image>', 'with an Asset Bundle whose clusters take this image, which brings the runner')
    .addOption(new Option('--ci <system>', 'with the pipeline of a CI system').choices([...CI_SYSTEMS]))
    .option('--dry-run', 'say what would be written')
    .addHelpText(
      'after',
      '\nExamples:\n  ingest export -o ../shop-bundle\n  ingest -c shop export -o /srv/bundles/shop --dry-run\n  ingest export -o ../shop-bundle --dab --ci github',
    )
    .action(
      act(async (context, _args, options) =>
        (await import('./commands/export.ts')).exportProject(context, options as never),
      ),
    );

  program
    .command('diff')
    .summary('what differs between two projects, bundles or revisions')
    .description(
      'Compares jobs, checks, settings, connections and destinations by what they mean. Exit code 1 where anything differs.',
    )
    .argument('<before>', "folder of a project or bundle, or a revision of the project's git repository: HEAD~1")
    .argument('<after>', 'the same')
    .action(
      act(async (context, [before, after]: [string, string]) =>
        (await import('./commands/diff.ts')).diff(context, before, after),
      ),
    );

  program
    .command('import-dlt')
    .summary('take over a dlt project, or one of the Python framework')
    .description(
      "Reads a dlt rest_api config (TOML or JSON) or a dlt project's folder, adds its jobs and connections to the project that --config names (or makes one), and says what could not be carried over. A folder with ingestion_config.xlsx is a project of the Python framework: it becomes a new project in the folder that --config names.",
    )
    .argument('<file>', 'a TOML or JSON file, or the folder of a project')
    .addHelpText(
      'after',
      '\nExamples:\n  ingest -c shop import-dlt rest_api.json --dry-run\n  ingest -c new-project import-dlt ../old-project',
    )
    .option('--name <name>', "name of the connection; default: dlt's own, or the file's")
    .option('--dry-run', 'say what would be written')
    .option('--with-secrets', 'write the secrets that are found to .dlt/secrets.toml; default: only their names')
    .action(
      act(async (context, [file]: [string], options) =>
        (await import('./commands/import-dlt.ts')).importDlt(context, file, options as never),
      ),
    );

  program
    .command('completion')
    .summary('print the script that completes commands and options in a shell')
    .addHelpText(
      'after',
      '\nExamples:\n  source <(ingest completion bash)          in ~/.bashrc; zsh alike\n  ingest completion fish | source           in config.fish\n  ingest completion powershell | Out-String | Invoke-Expression     in $PROFILE',
    )
    .addArgument(new Argument('<shell>', 'which one').choices([...SHELLS]))
    .action(
      act(async (_context, [shell]: [Shell]) => {
        terminal.print(completionScript(shell, program.commands.map(completed)).trimEnd());
        return EXIT.ok;
      }),
    );

  program
    .command('clean')
    .summary('remove load packages and temporary files that dead runs left')
    .description(
      'Removes what dead runs left below metadata/: temporary files and incomplete load packages; and logs of runs beyond the limits of [history]. Complete packages stay: the next run loads them first.',
    )
    .option('--packages', 'also remove complete packages; their rows are read again')
    .option('--dry-run', 'say what would be removed')
    .action(
      act(async (context, _args, options) => (await import('./commands/clean.ts')).clean(context, options as never)),
    );

  program
    .command('ui')
    .summary('the window, in a browser on this computer')
    .description(
      'Serves the window of Ingest Studio to a browser on this computer only, until Ctrl+C. Opens the project of --config.',
    )
    .option('--port <n>', 'default: a free one', parseWhole(0, 65_535), 0)
    .option('--no-open', 'only print the link')
    .action(act(async (context, _args, options) => (await import('./commands/ui.ts')).ui(context, options as never)));

  sayWhereHelpIs(program, 'ingest', terminal);
  return program;
}

/** A wrong argument is answered with the command whose help has the right ones. */
function sayWhereHelpIs(command: Command, words: string, terminal: Terminal): void {
  command.configureOutput({
    outputError: (text, write) =>
      write(
        `${terminal.styleTalk('red', '✖')} ${text.trim().replace(/^error: /, '')}\n  ${words} --help lists what it takes.\n`,
      ),
  });
  for (const sub of command.commands) sayWhereHelpIs(sub, `${words} ${sub.name()}`, terminal);
}

/** A command as the shells' scripts want it, with the options that every command takes. */
function completed(command: Command): CompletedCommand {
  const options = [...command.options, ...(command.parent?.options ?? [])].flatMap((option) =>
    [option.short, option.long].flatMap((flag) =>
      flag ? [{ flag, help: option.description, choices: option.argChoices ?? [] }] : [],
    ),
  );
  const subcommands = command.commands.map((sub) => ({ name: sub.name(), summary: sub.summary() }));
  return { name: command.name(), summary: command.summary(), options, subcommands };
}

/** `run` takes no words; it has an argument only so that a mistyped command can be answered well. */
function hideArguments(run: Command): void {
  run.usage('[options]');
  run.configureHelp({ ...run.configureHelp(), visibleArguments: () => [] });
}

function unknownCommand(word: string, program: Command): Error {
  const names = program.commands.map((command) => command.name());
  if (names.includes(word)) {
    return usageError(
      `The command ${word} stands behind options of its own.`,
      `Write it first: ingest ${word} …. ingest ${word} --help lists what it takes.`,
    );
  }
  const match = didYouMean(word, names);
  return usageError(
    `There is no command "${word}".`,
    match === null
      ? `To run one job: ingest run --job ${word}. ingest --help lists the commands.`
      : `Did you mean "ingest ${match}"?`,
  );
}

function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

function parseLevel(text: string): LogLevel {
  const level = text.toUpperCase();
  if ((LOG_LEVELS as readonly string[]).includes(level)) return level as LogLevel;
  throw new InvalidArgumentError(`Use one of ${LOG_LEVELS.join(', ')}.`);
}

function parseWhole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Use a whole number from ${least} to ${most}.`);
  };
}
