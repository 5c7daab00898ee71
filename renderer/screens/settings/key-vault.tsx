import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { Input, Output, ProjectDocument } from '../../../engine/contract.ts';
import { shownError } from '../../actions/project-commands.ts';
import { useApp, useProject } from '../../app.ts';
import { call, isCancelled, on } from '../../client.ts';
import type { ShownError } from '../../stores/window-store.ts';
import { ErrorCard } from '../../ui/error-card.tsx';
import { StatusWord } from '../../ui/status-icon.tsx';
import type { SecretState } from '../connections/connection-form.ts';
import { SecretField } from '../connections/secret-field.tsx';
import { STATUS_OF, stageName } from '../connections/test-words.ts';
import { Row, Section } from './section.tsx';
import classes from './settings-screen.module.css';

type Draft = Input<'vault.test'>['vault'];
type Stages = Output<'vault.test'>;

const SIGN_INS = [
  { value: 'default_credential', label: 'Azure sign-in' },
  { value: 'service_principal', label: 'Service principal' },
  { value: 'browser', label: 'Your browser' },
];

/** The open project's Azure Key Vault: where it is, who signs in, and whether it answers. */
export function KeyVault() {
  const document = useProject((state) => state.document);
  return (
    <Section title="Azure Key Vault">
      {document === null ? (
        <Row label="Vault" help="Secrets of a project may come from a vault of Azure.">
          <span className="dim">Open a project to set its vault.</span>
        </Row>
      ) : (
        <VaultForm key={`${document.directory}\n${document.env}`} document={document} />
      )}
    </Section>
  );
}

function VaultForm({ document }: { document: ProjectDocument }) {
  const { commands } = useApp();
  const kept = keptVault(document);
  const [changes, setChanges] = useState<Partial<Draft>>({});
  const [stages, setStages] = useState<Stages>([]);
  const [busy, setBusy] = useState<'test' | 'save' | null>(null);
  const [error, setError] = useState<ShownError | null>(null);
  const test = useRef<AbortController | null>(null);
  useEffect(() => () => test.current?.abort(), []);

  const draft: Draft = { ...kept, ...changes };
  const principal = draft.authentication === 'service_principal';
  const place = { directory: document.directory, env: document.env };
  const origin = document.origins.find(({ path }) => path === 'key_vault.client_secret') ?? null;
  const secret = secretStateOf(draft.client_secret, origin);
  const change = (part: Partial<Draft>) => setChanges((now) => ({ ...now, ...part }));

  async function work(kind: 'test' | 'save', task: () => Promise<void>): Promise<void> {
    setBusy(kind);
    setError(null);
    try {
      await task();
    } catch (thrown) {
      if (!isCancelled(thrown)) setError(shownError(thrown));
    } finally {
      setBusy(null);
    }
  }

  const save = (vault: Draft | null) =>
    work('save', async () => {
      commands.adopt(await call('vault.save', { ...place, vault }));
      setChanges({});
      setStages([]);
    });

  const runTest = () =>
    work('test', async () => {
      setStages([]);
      const id = crypto.randomUUID();
      const controller = new AbortController();
      test.current = controller;
      const leave = on('test.stage', (told) => {
        if (told.call === id) setStages((now) => [...now, told.stage]);
      });
      try {
        setStages(await call('vault.test', { ...place, vault: draft }, { id, signal: controller.signal }));
      } finally {
        leave();
      }
    });

  return (
    <>
      <Row
        label="Vault"
        help="“Vault URI” of its overview. Its secrets count after the environment, before every file."
      >
        <TextInput
          aria-label="Vault URI"
          placeholder="https://NAME.vault.azure.net"
          value={draft.vault_url}
          onChange={(event) => change({ vault_url: event.currentTarget.value })}
        />
      </Row>
      <Row
        label="Sign-in"
        help="Azure sign-in: `az login`, a managed identity, or AZURE_CLIENT_ID and the like. Your browser: only where you are."
      >
        <SegmentedControl
          aria-label="Sign-in to the vault"
          data={SIGN_INS}
          value={draft.authentication ?? 'default_credential'}
          onChange={(value) => change({ authentication: value as Draft['authentication'] })}
        />
      </Row>
      {principal ? (
        <Row label="Service principal" help="The secret goes into the keychain and never comes back into this window.">
          <div className={classes['fields']}>
            <TextInput
              label="Tenant ID"
              value={draft.tenant_id ?? ''}
              onChange={(event) => change({ tenant_id: event.currentTarget.value || null })}
            />
            <TextInput
              label="Client ID"
              value={draft.client_id ?? ''}
              onChange={(event) => change({ client_id: event.currentTarget.value || null })}
            />
            <SecretField
              label="Client secret"
              help="Blank: what is kept stays."
              required={false}
              state={secret}
              entered={draft.client_secret}
              problem={null}
              onChange={(client_secret) =>
                setChanges(({ client_secret: _, ...now }) =>
                  client_secret === undefined ? now : { ...now, client_secret },
                )
              }
              onBlur={() => undefined}
            />
          </div>
        </Row>
      ) : null}
      <Row label="Test" help="On unsaved values. The last stage says which of the project’s secrets the vault has.">
        <div className="row">
          {busy === 'test' ? (
            <Button variant="default" onClick={() => test.current?.abort()}>
              Cancel
            </Button>
          ) : (
            <Button variant="default" disabled={draft.vault_url === '' || busy !== null} onClick={() => void runTest()}>
              Test
            </Button>
          )}
          <Button
            disabled={draft.vault_url.trim() === '' || Object.keys(changes).length === 0 || busy !== null}
            loading={busy === 'save'}
            onClick={() => void save(draft)}
          >
            Save
          </Button>
          {kept.vault_url === '' ? null : (
            <Button variant="subtle" disabled={busy !== null} onClick={() => void save(null)}>
              Use no vault
            </Button>
          )}
        </div>
      </Row>
      <Answer>{error === null ? null : <ErrorCard title="The vault could not be used" error={error} />}</Answer>
      <Answer>
        {stages.length === 0 ? null : (
          <ol aria-label="Test of the vault">
            {stages.map(({ stage, status, detail, error: failure }) => (
              <li key={stage}>
                <StatusWord status={STATUS_OF[status]}>
                  {stageName(stage)} {status}
                </StatusWord>
                <p className="small">{detail}</p>
                {failure?.hint === undefined ? null : <p className="small dim">{failure.hint}</p>}
              </li>
            ))}
          </ol>
        )}
      </Answer>
    </>
  );
}

function Answer({ children }: { children: ReactNode }) {
  return children === null ? null : <div className={classes['answer']}>{children}</div>;
}

function secretStateOf(entered: string | undefined, origin: ProjectDocument['origins'][number] | null): SecretState {
  if (entered !== undefined) return { state: entered === '' ? 'forgotten' : 'entered' };
  return origin === null ? { state: 'not_set' } : { state: 'set', origin };
}

/** What config.toml says, without the secret. */
function keptVault({ config }: ProjectDocument): Draft {
  const table = (config['key_vault'] ?? {}) as Record<string, unknown>;
  const textOf = (key: string) => (typeof table[key] === 'string' ? (table[key] as string) : null);
  const [tenant_id, client_id] = [textOf('tenant_id'), textOf('client_id')];
  const authentication = textOf('authentication') as Draft['authentication'];
  return {
    vault_url: textOf('vault_url') ?? '',
    authentication: authentication ?? (tenant_id !== null && client_id !== null ? 'service_principal' : null),
    tenant_id,
    client_id,
  };
}
