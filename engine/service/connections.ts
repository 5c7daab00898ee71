import { isDeepStrictEqual } from 'node:util';
import { locateProject, SECRETS_FILE } from '../bundle/read-project-files.ts';
import { openSource } from '../connectors.ts';
import { IngestError } from '../errors.ts';
import { ProjectInvalidError } from '../pipeline/plan-run.ts';
import { environmentProvider, variableName } from '../secrets/environment.ts';
import { KEYCHAIN_PLACE } from '../secrets/secret-store.ts';
import { isTable, leafPaths, setAt, valueAt } from '../secrets/table.ts';
import type { TestStage } from '../sources/source.ts';
import type { Connection } from '../spec/connection.ts';
import type { DestinationConfig } from '../spec/destination.ts';
import type { Table } from '../spec/project.ts';
import { SECRET_PLACEHOLDER } from '../spec/secret-placeholder.ts';
import { validateProject } from '../spec/validate-project.ts';
import type { HandlerGroup } from './handlers.ts';
import { readDocument, refusePlaceholders } from './project-document.ts';
import { editConfig } from './projects.ts';
import type { ServiceContext } from './service-context.ts';
import { testDestination } from './test-destination.ts';
import { workDirectoryOf } from './work-directory.ts';

type ConnectionCalls = 'connection.save' | 'connection.remove' | 'connection.test';
type Handlers = ReturnType<HandlerGroup<ConnectionCalls>>;
type Draft = Parameters<Handlers['connection.save']>[0]['connection'];
type Section = 'sources' | 'destinations';

/** A change of one secret; null forgets it. */
interface SecretChange {
  path: string[];
  value: string | null;
}

export const connectionHandlers: HandlerGroup<ConnectionCalls> = (service) => ({
  'connection.save': ({ directory, env, section, connection, previous_name }, { client }) =>
    service.projects.exclusive(directory, async () => {
      await save(service, { directory, env, section, connection, previous: previous_name });
      return readDocument(service, directory, env, client);
    }),
  'connection.remove': ({ directory, env, section, name }, { client }) =>
    service.projects.exclusive(directory, async () => {
      const { config } = await configOf(service, directory, env);
      const base = sectionPath(config, section, name);
      const { settingsDirectory } = await locateProject(directory);
      const kept = await service.secretStore.paths(directory);
      await editConfig(settingsDirectory, env, [{ path: base, value: null }]);
      const below = kept.filter((path) => isBelow(path, base) || isBelow(path, [section, name]));
      await service.secretStore.set(
        directory,
        below.map((path) => ({ path, value: null })),
      );
      service.signIns.sessions.forget(directory, { section, name });
      return readDocument(service, directory, env, client);
    }),
  async 'connection.test'({ directory, env, section, connection, previous_name }, { id, signal }) {
    const draft = await draftConnection(service, { directory, env, section, connection, previous: previous_name });
    const stages: TestStage[] = [];
    const tell = async (tested: AsyncIterable<TestStage>) => {
      for await (const stage of tested) {
        const clean = service.redact(stage);
        stages.push(clean);
        service.emit('test.stage', { call: id, stage: clean });
      }
      return stages;
    };
    if (draft.destination !== undefined) {
      const baseDirectory = await workDirectoryOf(service, directory);
      const { project } = await service.openKept(directory, env);
      return tell(testDestination(draft.destination, { baseDirectory, signal, destinations: project.destinations }));
    }
    const source = await openSource(draft.source, { projectDirectory: directory });
    try {
      return await tell(source.test(signal));
    } finally {
      await source.close();
    }
  },
});

interface SaveRequest {
  directory: string;
  env: string | null;
  section: Section;
  connection: Draft;
  previous: string | null;
}

/** Secrets first: where they cannot be kept, nothing is written at all. */
async function save(service: ServiceContext, request: SaveRequest): Promise<void> {
  const { directory, env, section, connection, previous } = request;
  for (const [key, value] of Object.entries(connection.values)) refusePlaceholders(value, key);
  const { config, opened } = await configOf(service, directory, env);
  const { settingsDirectory } = await locateProject(directory);
  const from = previous !== null && previous !== connection.name ? sectionPath(config, section, previous) : null;
  const base = from === null ? sectionPath(config, section, connection.name) : [...from.slice(0, -1), connection.name];
  if ((from !== null || previous === null) && valueAt(config, base) !== undefined) {
    throw new IngestError('CONNECTION_EXISTS', `There is a connection "${connection.name}" already.`, {
      hint: 'Give it another name.',
    });
  }

  const secrets = secretChanges(connection, base);
  for (const { path, value } of secrets) if (value !== null) service.learnSecret(path.join('.'), value);
  refuseOverruled(service, opened.files.secrets, secrets);
  if (from !== null) secrets.unshift(...(await movedSecrets(service, directory, from, base)));
  const before: SecretChange[] = [];
  for (const { path } of secrets) before.push({ path, value: await service.secretStore.get(directory, path) });
  await service.secretStore.set(directory, lastOfEach(secrets));

  try {
    const written = section === 'sources' && connection.type === connection.name ? {} : { type: connection.type };
    const now = { file: opened.files.config, resolved: opened.raw.config, secretPaths: opened.raw.secretPaths };
    const edits = Object.entries({ ...written, ...connection.values }).flatMap(([key, value]) =>
      valueEdits(now, from ?? base, [key], value).map((edit) => ({ ...edit, path: [...base, ...edit.path] })),
    );
    if (from !== null) {
      const moved = valueAt(opened.files.config, from);
      if (isTable(moved)) edits.unshift({ path: base, value: moved });
      edits.push({ path: from, value: null });
    }
    await editConfig(settingsDirectory, env, edits);
  } catch (error) {
    await service.secretStore.set(directory, lastOfEach(before)).catch(() => undefined);
    throw error;
  }
}

interface ConfigNow {
  file: Table;
  /** With what variables and secret places lay over it. */
  resolved: Table;
  secretPaths: ReadonlySet<string>;
}

interface ValueEdit {
  path: string[];
  value: unknown;
}

/**
 * What has to be written so that a key below `base` reads as the window has it: leaf by leaf, so that comments stay. What is so already is left
 * alone, also where a variable says it; so are secrets, which the window does not see.
 */
function valueEdits(now: ConfigNow, base: readonly string[], key: readonly string[], wanted: unknown): ValueEdit[] {
  const path = [...base, ...key];
  const [inFile, resolved] = [valueAt(now.file, path), valueAt(now.resolved, path)];
  if (isTable(wanted) && isTable(inFile)) {
    const gone = Object.keys(inFile).filter((inner) => !Object.hasOwn(wanted, inner));
    return [
      ...Object.entries(wanted).flatMap(([inner, value]) => valueEdits(now, base, [...key, inner], value)),
      ...gone.flatMap((inner) => valueEdits(now, base, [...key, inner], null)),
    ];
  }
  if (holdsSecret(now, path, inFile) || isDeepStrictEqual(wanted, inFile)) return [];
  if (wanted === null) return inFile === undefined ? [] : [{ path: [...key], value: null }];
  return inFile === undefined && isDeepStrictEqual(wanted, resolved) ? [] : [{ path: [...key], value: wanted }];
}

function holdsSecret({ secretPaths }: ConfigNow, path: readonly string[], value: unknown): boolean {
  if (value === undefined) return false;
  const leaves = isTable(value) ? leafPaths(value, path) : [path];
  return leaves.some((leaf) => secretPaths.has(leaf.join('.')));
}

async function configOf(service: ServiceContext, directory: string, env: string | null) {
  const opened = await service.open(directory, env);
  return { opened, config: opened.files.config };
}

/** Where a connection stands: `[destination.NAME]`, the plan's form, is as good as `[destinations.NAME]`. */
function sectionPath(config: Table, section: Section, name: string): string[] {
  if (section === 'destinations' && isTable(valueAt(config, ['destination', name]))) return ['destination', name];
  return [section, name];
}

function secretChanges(connection: Draft, base: readonly string[]): SecretChange[] {
  return Object.entries(connection.secrets).flatMap(([key, value]) =>
    value.includes(SECRET_PLACEHOLDER)
      ? []
      : [{ path: [...base, ...key.split('.')], value: value === '' ? null : value }],
  );
}

/** The last change of a path counts. */
function lastOfEach(changes: readonly SecretChange[]): SecretChange[] {
  return [...new Map(changes.map((change) => [JSON.stringify(change.path), change])).values()];
}

async function movedSecrets(
  service: ServiceContext,
  directory: string,
  from: readonly string[],
  to: readonly string[],
): Promise<SecretChange[]> {
  const moved: SecretChange[] = [];
  for (const path of await service.secretStore.paths(directory)) {
    if (!isBelow(path, from)) continue;
    const value = await service.secretStore.get(directory, path);
    moved.push({ path, value: null }, { path: [...to, ...path.slice(from.length)], value });
  }
  return moved;
}

function isBelow(path: readonly string[], base: readonly string[]): boolean {
  return path.length > base.length && base.every((key, index) => path[index] === key);
}

/** A secret that another place overrules would be kept without any effect. */
function refuseOverruled(service: ServiceContext, secretsFile: Table, changes: readonly SecretChange[]): void {
  for (const { path } of changes) {
    const variable = variableName(path);
    const inEnvironment = service.environment[variable] !== undefined && service.environment[variable] !== '';
    if (!inEnvironment && valueAt(secretsFile, path) === undefined) continue;
    const place = inEnvironment ? `the environment variable ${variable}` : SECRETS_FILE;
    throw new IngestError(
      'SECRET_OVERRULED',
      `${path.join('.')} is set in ${place}, which counts before the ${KEYCHAIN_PLACE}; nothing was saved.`,
      { hint: `Change it there, or remove it there and save again.` },
    );
  }
}

/**
 * The connection as the window has it, completed by what is kept: secrets that it does not bring, keys that it does not show.
 * @throws ProjectInvalidError with what is wrong with it
 */
async function draftConnection(
  service: ServiceContext,
  { directory, env, section, connection: draft, previous }: SaveRequest,
): Promise<{ source: Connection; destination?: undefined } | { destination: DestinationConfig }> {
  const opened = await service.openKept(directory, env);
  const keptBase = sectionPath(opened.raw.config, section, previous ?? draft.name);
  const kept = valueAt(opened.raw.config, keptBase);
  const table: Table = isTable(kept) ? structuredClone(kept) : {};
  // A variable of the new name counts too, once it is saved.
  const base = [section, draft.name];
  const environment = environmentProvider(service.environment, [
    base,
    ...leafPaths({ [section]: { [draft.name]: table } }),
  ]);
  for (const [key, value] of Object.entries(draft.values)) {
    refusePlaceholders(value, key);
    if (value === null) delete table[key];
    else setAt(table, [key], keepSecrets(value, table[key], [...keptBase, key], opened.raw.secretPaths));
  }
  for (const { path, value } of secretChanges(draft, [])) {
    if (value !== null) service.learnSecret([...base, ...path].join('.'), value);
    setAt(table, path, value ?? '');
  }
  for (const path of (await environment.paths?.()) ?? []) {
    if (!isBelow(path, base)) continue;
    const provided = await environment.get(path);
    if (provided?.kind === 'value') setAt(table, path.slice(base.length), provided.value);
  }
  setAt(table, ['type'], draft.type);
  const { project, findings } = validateProject(
    {
      jobs: null,
      checks: null,
      settings: null,
      config: { [section]: { [draft.name]: table } },
      secretPaths: new Set([
        ...opened.raw.secretPaths,
        ...secretChanges(draft, base).map(({ path }) => path.join('.')),
      ]),
      deferredPaths: new Set(),
    },
    { secrets: false },
  );
  const known = section === 'sources' ? project.connections : project.destinations;
  const valid = Object.hasOwn(known, draft.name) ? known[draft.name] : undefined;
  if (valid !== undefined)
    return section === 'sources' ? { source: valid as Connection } : { destination: valid as DestinationConfig };
  const own = findings.filter(
    ({ column, code }) => (column ?? '').startsWith(`${section}.${draft.name}`) && code !== 'CONNECTION_UNUSED',
  );
  throw new ProjectInvalidError(own.map((finding) => ({ ...finding, severity: 'error' })));
}

/** The window shows no secrets: those inside of a table that it sends back without them stay. */
function keepSecrets(
  value: unknown,
  kept: unknown,
  path: readonly string[],
  secretPaths: ReadonlySet<string>,
): unknown {
  if (!isTable(value) || !isTable(kept)) return value;
  const completed: Table = {};
  for (const [key, inner] of Object.entries(value)) {
    setAt(completed, [key], keepSecrets(inner, kept[key], [...path, key], secretPaths));
  }
  for (const leaf of leafPaths(kept)) {
    if (secretPaths.has([...path, ...leaf].join('.'))) setAt(completed, leaf, valueAt(kept, leaf));
  }
  return completed;
}
