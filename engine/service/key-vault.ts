import { locateProject } from '../bundle/read-project-files.ts';
import { ProjectInvalidError } from '../pipeline/plan-run.ts';
import { isTable, setAt } from '../secrets/table.ts';
import { vaultPaths } from '../secrets/vault-paths.ts';
import type { TestStage } from '../sources/source.ts';
import { FindingList } from '../spec/finding-list.ts';
import { type KeyVaultConfig, readKeyVault } from '../spec/key-vault.ts';
import type { Table } from '../spec/project.ts';
import type { HandlerGroup } from './handlers.ts';
import { readDocument } from './project-document.ts';
import { editConfig } from './projects.ts';
import { testKeyVault } from './test-key-vault.ts';

type VaultCalls = 'vault.save' | 'vault.test';
type Draft = Parameters<ReturnType<HandlerGroup<VaultCalls>>['vault.test']>[0]['vault'];

const SECRET_PATH = ['key_vault', 'client_secret'];

/** The project's key vault: where it is and who signs in. Its client secret goes into the keychain and never comes back. */
export const keyVaultHandlers: HandlerGroup<VaultCalls> = (service) => ({
  'vault.save': ({ directory, env, vault }, { client }) =>
    service.projects.exclusive(directory, async () => {
      const { raw } = await service.open(directory, env);
      const { settingsDirectory } = await locateProject(directory);
      if (vault === null) {
        await editConfig(settingsDirectory, env, [{ path: ['key_vault'], value: null }]);
        await service.secretStore.set(directory, [{ path: SECRET_PATH, value: null }]);
      } else {
        draftVault(raw.config, vault);
        const { client_secret: secret, ...values } = vault;
        // First the secret: where it cannot be kept, nothing is written at all.
        if (secret !== undefined) {
          service.learnSecret(SECRET_PATH.join('.'), secret);
          await service.secretStore.set(directory, [{ path: SECRET_PATH, value: secret === '' ? null : secret }]);
        }
        const edits = Object.entries(values).map(([key, value]) => ({ path: ['key_vault', key], value }));
        await editConfig(settingsDirectory, env, edits);
      }
      return readDocument(service, directory, env, client);
    }),
  async 'vault.test'({ directory, env, vault }, { id, signal }) {
    if (vault.client_secret !== undefined) service.learnSecret(SECRET_PATH.join('.'), vault.client_secret);
    const opened = await service.open(directory, env);
    const config = draftVault(opened.raw.config, vault);
    const known = {
      project: opened.project,
      invalidJobs: opened.invalidJobs,
      config: opened.raw.config,
      origins: opened.origins,
    };
    const paths = vaultPaths(config, known, 'everything');
    const stages: TestStage[] = [];
    const options = { ...service.vault, baseDirectory: opened.directory, environment: service.environment, signal };
    for await (const stage of testKeyVault(config, { wanted: paths, all: paths }, options)) {
      const clean = service.redact(stage);
      stages.push(clean);
      service.emit('test.stage', { call: id, stage: clean });
    }
    return stages;
  },
});

/**
 * The vault as the window has it, over what is kept: a null takes a key away, a blank secret stands for none.
 * @throws ProjectInvalidError with what is wrong with it
 */
function draftVault(config: Table, draft: Draft): KeyVaultConfig {
  const kept = isTable(config['key_vault']) ? config['key_vault'] : {};
  const table: Table = { ...structuredClone(kept) };
  for (const [key, value] of Object.entries(draft)) {
    if (value === null || value === '') delete table[key];
    else setAt(table, [key], value);
  }
  const list = new FindingList(new Set());
  const vault = readKeyVault(
    { list, secretPaths: new Set([SECRET_PATH.join('.')]), severity: 'error' },
    { key_vault: table },
  );
  if (vault === null) throw new ProjectInvalidError(list.findings);
  return vault;
}
