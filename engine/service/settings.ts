import { readFile } from 'node:fs/promises';
import path from 'node:path';
import tls from 'node:tls';
import { z } from 'zod';
import type { Settings } from '../contract.ts';
import { IngestError } from '../errors.ts';
import { isScript, scriptAddress } from '../network/proxies.ts';
import { UserFile } from '../user-data/user-file.ts';
import type { HandlerGroup } from './handlers.ts';
import type { ServiceContext } from './service-context.ts';

export const DEFAULT_SETTINGS: Settings = {
  theme: 'system',
  max_workers: 5,
  memory_limit_mib: 2048,
  work_directory: null,
  proxy: null,
  ca_file: null,
  preview_rows: 100,
};

/** A value that is out of its range by now is as good as none: the others stay. */
const settingsModel = z.object({
  theme: z.enum(['system', 'light', 'dark']).catch(DEFAULT_SETTINGS.theme),
  max_workers: z.int().min(1).max(20).catch(DEFAULT_SETTINGS.max_workers),
  memory_limit_mib: z.int().min(256).max(65_536).catch(DEFAULT_SETTINGS.memory_limit_mib),
  work_directory: z.string().nullable().catch(null),
  proxy: z.string().nullable().catch(null),
  ca_file: z.string().nullable().catch(null),
  preview_rows: z.int().min(10).max(10_000).catch(DEFAULT_SETTINGS.preview_rows),
}) satisfies z.ZodType<Settings>;

/** The settings' file. */
export function settingsFile(userDataDirectory: string): UserFile<Settings> {
  return new UserFile(path.join(userDataDirectory, 'settings.json'), {
    version: 1,
    model: settingsModel,
    initial: () => DEFAULT_SETTINGS,
    damaged: 'begin anew',
  });
}

/** What the settings are now; runs and previews read them when they begin. */
export function readSettings(service: Pick<ServiceContext, 'userDataDirectory'>): Promise<Settings> {
  return settingsFile(service.userDataDirectory).read();
}

export const settingsHandlers: HandlerGroup<'settings.get' | 'settings.set'> = (service) => {
  const file = settingsFile(service.userDataDirectory);
  return {
    'settings.get': () => file.read(),
    async 'settings.set'(change) {
      if (change.proxy != null) checkProxy(change.proxy);
      if (change.ca_file != null) await readCertificates(change.ca_file);
      const settings = await file.update((now) => ({ ...now, ...change }));
      await applyNetworkSettings(settings);
      return settings;
    },
  };
};

/** What the process was started with: a setting that is taken back falls back to it. */
const PROXY_NAMES = ['HTTPS_PROXY', 'HTTP_PROXY', 'INGEST_PROXY_SCRIPT'].flatMap((name) => [name, name.toLowerCase()]);
const startEnvironment: NodeJS.ProcessEnv = Object.fromEntries(PROXY_NAMES.map((name) => [name, process.env[name]]));
const startCertificates = tls.getCACertificates('default');

/** Makes connections of this process go through the proxy and trust the authorities of the settings. Meant for the engine's own process. */
export async function applyNetworkSettings({ proxy, ca_file }: Pick<Settings, 'proxy' | 'ca_file'>): Promise<void> {
  const named = isScript(proxy ?? '')
    ? { INGEST_PROXY_SCRIPT: proxy ?? '' }
    : { HTTPS_PROXY: proxy ?? '', HTTP_PROXY: proxy ?? '' };
  // The names in both cases: either is read, and the settings stand in the place of all.
  for (const name of PROXY_NAMES) delete process.env[name];
  for (const [name, value] of Object.entries(proxy === null ? startEnvironment : named))
    if (value !== undefined) process.env[name] = value;
  const own = ca_file === null ? [] : [await readCertificates(ca_file)];
  tls.setDefaultCACertificates([...startCertificates, ...own]);
}

function checkProxy(text: string): void {
  if (isScript(text)) {
    scriptAddress(text, 'proxy of the settings');
    return;
  }
  const url = URL.parse(text);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return;
  throw new IngestError('SETTING_INVALID', 'proxy: write an address such as http://proxy.example:8080.', {
    hint: 'Ask your network team for the address, or leave it blank: then the system is asked.',
  });
}

async function readCertificates(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new IngestError('SETTING_INVALID', `ca_file: ${file} cannot be read.`, {
      hint: 'Name a PEM file with the certificates to trust.',
      cause: error,
    });
  });
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new IngestError('SETTING_INVALID', `ca_file: ${file} holds no certificate in PEM form.`, {
    hint: 'Export it as Base64 (PEM): it then begins with -----BEGIN CERTIFICATE-----.',
  });
}
