/**
 * The flag form of the command line (`ingest --validate`, `ingest --list`) as the command form (`ingest validate`, `ingest list`).
 * `--job`, `--parallel` and `--workers` need no translation: they belong to `run`, which is the default command.
 */
const FLAG_COMMANDS: Record<string, string> = { '--validate': 'validate', '--list': 'list' };

/** Arguments with a leading `--validate` or `--list` turned into that command. Arguments that name a command stay as they are. */
export function toCommandForm(args: readonly string[], commands: readonly string[]): string[] {
  const first = args[0];
  if (first !== undefined && commands.includes(first)) return [...args];
  const end = args.indexOf('--');
  const options = end === -1 ? args : args.slice(0, end);
  const flag = options.find((arg) => Object.hasOwn(FLAG_COMMANDS, arg));
  if (flag === undefined) return [...args];
  return [FLAG_COMMANDS[flag] as string, ...args.filter((arg) => arg !== flag)];
}
