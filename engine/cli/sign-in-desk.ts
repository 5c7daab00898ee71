import path from 'node:path';
import { createSecretStore } from '../secrets/secret-store.ts';
import { type SignInDesk, SignInSessions } from '../sign-in/sign-in-desk.ts';
import type { CommandContext } from './context.ts';

/** Prints the address to whoever sits at the terminal. Where nobody does (a pipe, CI), only what is kept signs in. */
export function terminalDesk({ terminal, globals }: Pick<CommandContext, 'terminal' | 'globals'>): SignInDesk {
  return {
    project: path.resolve(globals.config),
    store: createSecretStore(),
    sessions: new SignInSessions(),
    ask: terminal.attended
      ? ({ name, service, user, address, ends_at }) => {
          const until = new Date(ends_at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
          const head = `${terminal.styleTalk('bold', `Sign in to ${service}${user === null ? '' : ` as ${user}`} for ${name}`)}: open this in a browser of this computer until ${until} (Ctrl+C cancels)`;
          terminal.tell(`${head}\n\n  ${address}\n`);
          return () => undefined;
        }
      : null,
  };
}
