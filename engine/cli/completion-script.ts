/** What a shell needs to know of a command. */
export interface CompletedCommand {
  name: string;
  summary: string;
  /** `--json`, `-j`: each spelling by itself, with what it does. */
  options: { flag: string; help: string; choices: readonly string[] }[];
  subcommands: { name: string; summary: string }[];
}

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;
export type Shell = (typeof SHELLS)[number];

/** Names that the package installs. */
const PROGRAMS = ['ingest', 'dlt-ingest', 'run-pipeline'];

/** The script that a shell loads to complete commands, options and their choices. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      // zsh runs bash's functions: one script, one behaviour.
      return `autoload -Uz bashcompinit && bashcompinit\n${bash(commands)}`;
    case 'fish':
      return fish(commands);
    case 'powershell':
      return powershell(commands);
    default:
      return shell satisfies never;
  }
}

function bash(commands: readonly CompletedCommand[]): string {
  const words = ({ options, subcommands }: CompletedCommand) =>
    [...subcommands.map(({ name }) => name), ...options.map(({ flag }) => flag)].join(' ');
  const choices = new Map(
    commands.flatMap(({ options }) =>
      options.filter((option) => option.choices.length > 0).map((option) => [option.flag, option.choices.join(' ')]),
    ),
  );
  return `_ingest() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="" index
  COMPREPLY=()
  case "$before" in
    -c|--config|--work-dir|-o|--output) COMPREPLY=($(compgen -d -- "$word")); return ;;
${[...choices].map(([flag, values]) => `    ${flag}) COMPREPLY=($(compgen -W "${values}" -- "$word")); return ;;`).join('\n')}
  esac
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "\${COMP_WORDS[index]}" in
      ${commands.map(({ name }) => name).join('|')}) command="\${COMP_WORDS[index]}"; break ;;
    esac
  done
  case "$command" in
${commands.map((command) => `    ${command.name}) COMPREPLY=($(compgen -W "${words(command)}" -- "$word")) ;;`).join('\n')}
    *) COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} --help --version" -- "$word")) ;;
  esac
}
complete -o default -F _ingest ${PROGRAMS.join(' ')}
`;
}

function fish(commands: readonly CompletedCommand[]): string {
  const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
  const names = commands.map(({ name }) => name).join(' ');
  const lines = commands.flatMap(({ name, summary, options, subcommands }) => {
    const here = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `-n ${quoted(`not __fish_seen_subcommand_from ${names}`)} -f -a ${name} -d ${quoted(summary)}`,
      ...subcommands.map((sub) => `${here} -f -a ${sub.name} -d ${quoted(sub.summary)}`),
      ...options.map(
        ({ flag, help, choices }) =>
          `${here} ${flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`} -d ${quoted(help)}${
            choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : ''
          }`,
      ),
    ];
  });
  return `${PROGRAMS.flatMap((program) => lines.map((line) => `complete -c ${program} ${line}`)).join('\n')}\n`;
}

function powershell(commands: readonly CompletedCommand[]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const table = commands.map(
    ({ name, options, subcommands }) =>
      `    ${quoted(name)} = @(${[...subcommands.map((sub) => sub.name), ...options.map(({ flag }) => flag)].map(quoted).join(', ')})`,
  );
  return `Register-ArgumentCompleter -Native -CommandName ${PROGRAMS.join(',')} -ScriptBlock {
  param($word, $line, $position)
  $commands = @{
${table.join('\n')}
  }
  $command = $line.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" } | Where-Object { $commands.ContainsKey($_) } | Select-Object -First 1
  $words = if ($command) { $commands[$command] } else { $commands.Keys | Sort-Object }
  $words | Where-Object { $_ -like "$word*" } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`;
}
