import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { messageOf } from '../errors.ts';
import { loadDriver } from '../load-driver.ts';
import { type PacContext, pacFunctions } from './pac-functions.ts';

/** A script is read, and answers, within so many milliseconds of computing. */
const COMPUTING = 1_000;
/** It may use so many bytes. */
const MEMORY = 32 * 1024 * 1024;
/** Names that it may look up for one answer, in milliseconds each. */
const MOST_NAMES = 20;
const LOOKUP = 5_000;

/** Answers as a script does: `PROXY host:port; DIRECT`. */
export type FindProxy = (url: URL) => Promise<string>;

/**
 * Reads a script into a JavaScript engine of its own (QuickJS in WebAssembly) that has nothing but the functions of such scripts: no files, no network, no modules.
 * A name that it looks up is not there at first: it is resolved, and the script asked again, as Chromium does it.
 * @throws IngestError DRIVER_MISSING, Error with what the script said
 */
export async function openSandbox(source: string): Promise<FindProxy> {
  const { QuickJS } = await loadDriver('quickjs-wasi', () => import('quickjs-wasi'));
  const wasm = await readFile(createRequire(import.meta.url).resolve('quickjs-wasi/quickjs.wasm'));
  let end = 0;
  const vm = await QuickJS.create({ wasm, memoryLimit: MEMORY, interruptHandler: () => performance.now() > end });
  const compute = <T>(work: () => T): T => {
    end = performance.now() + COMPUTING;
    try {
      return work();
    } catch (error) {
      if (performance.now() > end) throw new Error(`it did not end within ${COMPUTING / 1000} s`);
      throw new Error(messageOf(error).split('\n')[0]);
    }
  };
  let context: PacContext = { resolve: () => null, ownAddress: '127.0.0.1', now: new Date() };
  for (const [name, run] of Object.entries(pacFunctions(() => context))) {
    const made = vm.newFunction(name, (...args) => vm.hostToHandle(run(...args.map((arg) => vm.dump(arg)))));
    vm.setProp(vm.global, name, made);
    made.dispose();
  }
  compute(() => vm.evalCode(source, 'proxy.pac').dispose());
  using find = vm.evalCode("typeof FindProxyForURL === 'function'");
  if (vm.dump(find) !== true) throw new Error('it has no function FindProxyForURL');

  return async (url) => {
    const known = new Map<string, string | null>();
    const [ownAddress, now] = [await addressOfThis(), new Date()];
    // The path is nobody's business but the server's.
    const call = `String(FindProxyForURL(${JSON.stringify(`${url.origin}/`)}, ${JSON.stringify(hostOf(url))}) ?? '')`;
    for (;;) {
      const asked = new Set<string>();
      const resolve = (host: string) => {
        if (!known.has(host)) asked.add(host);
        return known.get(host) ?? null;
      };
      context = { resolve, ownAddress, now };
      const answer = compute(() => {
        using result = vm.evalCode(call, 'proxy.pac');
        return String(vm.dump(result));
      });
      if (asked.size === 0) return answer;
      if (known.size + asked.size > MOST_NAMES) throw new Error(`it looks up more than ${MOST_NAMES} names`);
      await Promise.all([...asked].map(async (host) => known.set(host, await addressOf(host))));
    }
  };
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

async function addressOf(host: string): Promise<string | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), LOOKUP);
  try {
    return await Promise.race([lookup(host, { family: 4 }).then(({ address }) => address), late.promise]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** The address that this computer has towards the rest of the world. Nothing is sent. */
async function addressOfThis(): Promise<string> {
  const socket = createSocket('udp4');
  try {
    socket.connect(53, '192.0.2.1');
    await once(socket, 'connect');
    return socket.address().address;
  } catch {
    return '127.0.0.1';
  } finally {
    socket.close();
  }
}
