import { expect, test } from 'vitest';
import { cancelOnSignals } from '../../engine/cli/cancellation.ts';
import { Terminal } from '../../engine/cli/terminal.ts';

test('a signal aborts once and says so; after dispose nobody listens', () => {
  let told = '';
  const stream = {
    write: (text: string) => {
      told += text;
      return true;
    },
  };
  const terminal = new Terminal({ stdout: stream, stderr: stream, color: false, env: {} });
  const listeners = process.listenerCount('SIGHUP');
  const { signal, dispose } = cancelOnSignals(terminal);
  expect(signal.aborted).toBe(false);
  process.emit('SIGHUP', 'SIGHUP');
  expect(signal.aborted).toBe(true);
  // npm passes the terminal's signal on at once: that is no second Ctrl+C, which would end this very process.
  process.emit('SIGHUP', 'SIGHUP');
  expect(told.match(/Cancelling/g)).toHaveLength(1);
  dispose();
  expect(process.listenerCount('SIGHUP')).toBe(listeners);
});
