import { EventEmitter, once } from 'node:events';
import { expect, test } from 'vitest';
import { forgiveClosedPipes, type HostProcess, leaveSoon, redactCrashes } from '../../engine/cli/host-process.ts';
import { Terminal } from '../../engine/cli/terminal.ts';

class Stream extends EventEmitter {
  writableLength = 0;
}

class Host extends EventEmitter implements HostProcess {
  readonly stdout = new Stream();
  readonly stderr = new Stream();
  readonly exits: (number | undefined)[] = [];

  exit(code?: number): void {
    this.exits.push(code);
    this.emit('left');
  }
}

test('a closed pipe ends the process, any other error of a stream is one', () => {
  const host = new Host();
  forgiveClosedPipes(host);
  host.stdout.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }));
  expect(host.exits).toEqual([undefined]);
  expect(() => host.stderr.emit('error', Object.assign(new Error('disk'), { code: 'ENOSPC' }))).toThrow('disk');
});

test('an error that nobody caught is printed without its secrets, and the process ends with 1', () => {
  const host = new Host();
  let told = '';
  const stream = {
    write: (text: string) => {
      told += text;
      return true;
    },
  };
  const terminal = new Terminal({ stdout: stream, stderr: stream, color: false, env: {} });
  terminal.redact = (text) => text.replaceAll('hunter2', '***');
  redactCrashes(host, terminal);
  host.emit('uncaughtException', new Error('cannot sign in with hunter2'));
  expect(told).toContain('cannot sign in with ***');
  expect(told).not.toContain('hunter2');
  expect(host.exits).toEqual([1]);
});

test('what lingers does not keep the process, but what is being written does', async () => {
  const host = new Host();
  host.stdout.writableLength = 10;
  // The timers let a process end; here something has to keep it.
  const keep = setInterval(() => {}, 1000);
  leaveSoon(host, 5);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(host.exits).toEqual([]);
  host.stdout.writableLength = 0;
  await once(host, 'left');
  clearInterval(keep);
  expect(host.exits).toEqual([undefined]);
});
