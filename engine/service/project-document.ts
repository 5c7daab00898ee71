import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { openElsewhere } from '../bundle/lock-file.ts';
import { locateProject } from '../bundle/read-project-files.ts';
import { errorCode } from '../bundle/write-atomic.ts';
import type { ProjectDocument } from '../contract.ts';
import { IngestError } from '../errors.ts';
import type { OpenProject } from '../open-project.ts';
import { isTable, setAt } from '../secrets/table.ts';
import type { Table } from '../spec/project.ts';
import { SECRET_PLACEHOLDER } from '../spec/secret-placeholder.ts';
import { environmentsOf, type ProjectFingerprints, projectFingerprints } from './project-fingerprint.ts';
import { keptRecovery } from './recovery.ts';
import type { ServiceContext } from './service-context.ts';

/** Reads a project for a window, which is told of changes from then on. */
export async function readDocument(
  service: ServiceContext,
  directory: string,
  env: string | null,
  client: string,
): Promise<ProjectDocument> {
  const { opened, fingerprints } = await readSettled(service, directory, env);
  const { files, raw } = opened;
  const elsewhere = await service.projects.open(client, files.directory, files, fingerprints);
  await service.workbooks.keep(files.workbookPath, fingerprints.fingerprint);
  const hidden = hideSecrets(raw.config, raw.secretPaths, opened.secrets);
  return {
    directory: files.directory,
    name: path.basename(files.directory),
    env,
    environments: await environmentsOf(files.settingsDirectory),
    sheets: { SourceConfig: files.jobs, DataQuality: files.checks, Pipeline: files.settings },
    config: hidden,
    secretPaths: [...raw.secretPaths],
    deferredPaths: [...raw.deferredPaths],
    origins: opened.origins,
    fileFindings: opened.fileFindings,
    readOnly: await whyReadOnly(files.workbookPath),
    ...fingerprints,
    recovery: await keptRecovery(service, files.directory, fingerprints.fingerprint),
    openElsewhere: elsewhere,
  };
}

/** The project together with the fingerprints of exactly the files that were read. */
async function readSettled(
  service: ServiceContext,
  directory: string,
  env: string | null,
): Promise<{ opened: OpenProject; fingerprints: ProjectFingerprints }> {
  let before: ProjectFingerprints = await projectFingerprints(await locateProject(directory));
  for (let attempt = 0; ; attempt += 1) {
    const opened = await service.open(directory, env);
    const after = await projectFingerprints(opened.files);
    // A file that was written while it was read would else be taken for the one that was read.
    if (sameFingerprints(before, after)) return { opened, fingerprints: after };
    if (attempt >= 5) {
      throw new IngestError('PROJECT_BUSY', `${directory} keeps changing while it is read.`, {
        hint: 'Wait until the other program has finished writing, then open it again.',
        retryable: true,
      });
    }
    before = after;
  }
}

function sameFingerprints(a: ProjectFingerprints, b: ProjectFingerprints): boolean {
  return a.fingerprint === b.fingerprint && a.configFingerprint === b.configFingerprint;
}

/** A shorter secret is found by chance in harmless texts: a database named like its password. */
const LEAST_TELLING = 8;

/** The configuration with each secret replaced; also passwords inside of addresses. Plain JSON. */
export function hideSecrets(
  config: Table,
  secretPaths: ReadonlySet<string>,
  secrets: readonly { value: string }[],
): Table {
  const values = [...new Set(secrets.map(({ value }) => value))].filter((value) => value.length >= LEAST_TELLING);
  const hide = (value: unknown, keyPath: readonly string[], inherited: boolean): unknown => {
    const secret = inherited || secretPaths.has(keyPath.join('.'));
    if (Array.isArray(value)) return value.map((item) => hide(item, keyPath, secret));
    if (isTable(value)) {
      const copy: Table = {};
      for (const [key, inner] of Object.entries(value)) setAt(copy, [key], hide(inner, [...keyPath, key], secret));
      return copy;
    }
    if (typeof value === 'bigint') return secret ? SECRET_PLACEHOLDER : value.toString();
    if (secret && value !== '' && typeof value !== 'boolean') return hideText(String(value));
    if (typeof value !== 'string') return value;
    // A secret that also stands under a harmless key is a secret there, too.
    return values.some((text) => value.includes(text)) || hasPassword(value) ? hideText(value) : value;
  };
  return hide(config, [], false) as Table;
}

/** An address keeps its host and user, so that the window can read it; everything else is hidden whole. */
function hideText(text: string): string {
  const url = URL.parse(text);
  if (url === null || url.host === '' || url.password === '') return SECRET_PLACEHOLDER;
  const at = text.lastIndexOf('@');
  const user = /^[a-z][a-z\d+.-]*:\/\/[^:/@]*/i.exec(text)?.[0];
  // Parameters may hold keys and signatures.
  return user === undefined ? SECRET_PLACEHOLDER : `${user}:${SECRET_PLACEHOLDER}${text.slice(at).split(/[?#]/)[0]}`;
}

function hasPassword(text: string): boolean {
  return /:\/\/[^/?#\s]*?:[^/?#\s]+@/.test(text);
}

/** Why the workbook cannot be saved now, or null. Only a try can tell for sure: saving says it again. */
export async function whyReadOnly(workbookPath: string): Promise<string | null> {
  const owner = await openElsewhere(workbookPath);
  if (owner !== null) return `The workbook is open in ${owner}. Close it there to save.`;
  const cannot = async (file: string) =>
    access(file, constants.W_OK).then(
      () => null,
      (error: unknown) => errorCode(error) || 'not writable',
    );
  const file = await cannot(workbookPath);
  if (file !== null && file !== 'ENOENT') return `The workbook is write-protected (${file}).`;
  const folder = await cannot(path.dirname(workbookPath));
  return folder === null ? null : `The folder is read-only (${folder}).`;
}

/** @throws IngestError where a window sends back what stands for a secret */
export function refusePlaceholders(value: unknown, place: string): void {
  if (!JSON.stringify(value ?? null).includes(SECRET_PLACEHOLDER)) return;
  throw new IngestError('SECRET_PLACEHOLDER', `${place} holds dots that stand for a secret, not the secret.`, {
    hint: 'Enter the secret again, or leave the field alone to keep the one that is set.',
  });
}
