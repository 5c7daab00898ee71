import { vaultWarnings } from '../../open-project.ts';
import { vaultPlace } from '../../secrets/azure-key-vault.ts';
import { cancelOnSignals } from '../cancellation.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { plural } from '../format.ts';
import { renderTable } from '../table.ts';

/** `ingest secrets explain`: the place of each secret, what it overruled, and which are missing. Values are never printed. */
export async function explainSecrets(context: CommandContext): Promise<ExitCode> {
  const cancellation = cancelOnSignals(context.terminal);
  try {
    return await explain(context, cancellation.signal);
  } finally {
    cancellation.dispose();
  }
}

async function explain(context: CommandContext, signal: AbortSignal): Promise<ExitCode> {
  const { terminal, globals } = context;
  const opened = await openForCommand(context, {
    tolerant: true,
    vault: { scope: 'everything', signal },
    warn: false,
  });
  const { origins, redactor, findings, keyVault } = opened;
  const vault = keyVault === null ? '' : `${vaultPlace(keyVault)}, `;
  const warnings = vaultWarnings(opened);
  const secrets = origins.filter((origin) => origin.secret);
  const missing = findings.filter((finding) => finding.code.includes('SECRET') && finding.severity === 'error');
  if (globals.json) {
    terminal.printJson({
      secrets: secrets.map(({ path, origin, place, deferred, overruled }) => ({
        path,
        origin,
        place,
        deferred,
        overruled,
      })),
      missing: missing.map(({ column, message, hint }) => ({ path: column, message, hint })),
      warnings: warnings.map(({ code, column, message, hint }) => ({ code, path: column, message, hint })),
      not_redactable: redactor.unredactable,
    });
    return EXIT.ok;
  }
  if (secrets.length === 0) terminal.print('No secret is set anywhere.');
  else {
    terminal.print(
      renderTable(
        [{ header: 'secret' }, { header: 'comes from' }, { header: 'place' }, { header: 'overrules' }],
        secrets.map(({ path, origin, place, deferred, overruled }) => [
          path,
          deferred ? `${origin} (asked in the run)` : origin,
          place,
          overruled.join(', '),
        ]),
        { width: terminal.printColumns, style: terminal.style.bind(terminal) },
      ),
    );
  }
  if (missing.length > 0) {
    terminal.print(`\n${plural(missing.length, 'secret')} missing:`);
    for (const { message, hint } of missing)
      terminal.print(`  ${terminal.style('red', '✖')} ${message}${hint === null ? '' : ` ${hint}`}`);
  }
  for (const { message, hint } of warnings) {
    terminal.print(`${terminal.style('yellow', '▲')} ${message}${hint === null ? '' : ` ${hint}`}`);
  }
  for (const path of redactor.unredactable) {
    terminal.print(
      `${terminal.style('yellow', '▲')} ${path} is shorter than 4 characters and cannot be kept out of logs by its value: use a longer one.`,
    );
  }
  terminal.print(
    terminal.style(
      'dim',
      `\nLooked up in this order: environment (SOURCES__NAME__PASSWORD), ${vault}.dlt/secrets.toml, keychain. Values are never shown.`,
    ),
  );
  return EXIT.ok;
}
