import { ActionIcon, Badge, Button, Menu, Modal, UnstyledButton } from '@mantine/core';
import { IconClipboard, IconCopyPlus, IconDots, IconTrash } from '@tabler/icons-react';
import { type ClipboardEvent, useEffect, useMemo, useState } from 'react';
import type { KeychainState, ProjectDocument } from '../../../engine/contract.ts';
import { connectionKind } from '../../../engine/spec/connection-kinds.ts';
import { type ParsedConnection, parseConnection } from '../../../engine/spec/parse-connection.ts';
import { useApp, useConnections, useProject } from '../../app.ts';
import { type ConnectionDraft, shownFailure } from '../../stores/connection-store.ts';
import type { ShownError } from '../../stores/window-store.ts';
import { Notice } from '../../ui/notice.tsx';
import { draftKey, removeConnection, saveConnection, testDraft } from './connection-commands.ts';
import { ConnectionForm } from './connection-fields-form.tsx';
import {
  isChanged,
  judgeDraft,
  kindOf,
  nameProblem,
  placeText,
  secretState,
  shownFields,
  withFindings,
} from './connection-form.ts';
import type { ListedConnection } from './connection-list.ts';
import classes from './connections-screen.module.css';
import { takesParsed, withParsed } from './parsed-draft.ts';
import { TestPanel } from './test-panel.tsx';
import { failedStage, whenText } from './test-words.ts';

/** A text that is a connection and no value of one field. */
const WHOLE =
  /^(curl\s|jdbc:|postgres|mssql:|sqlserver:|oracle:|\(\s*description|https?:\/\/[^/]+\.(blob|dfs)\..*[?&]sig=)|;.*=|\shost=|^host=.*\s/i;

/** What can be pasted, by kind. */
const PASTED: Readonly<Record<string, string>> = {
  api: 'a cURL command or a URL',
  filesystem: 'an address (with its SAS) or a connection string',
  oracle: 'a JDBC URL, a descriptor or an Easy Connect string',
  databricks: 'the warehouse’s JDBC URL',
};

export interface ConnectionDetailProps {
  draft: ConnectionDraft;
  /** Null for a connection that is not in the files yet. */
  listed: ListedConnection | null;
  document: ProjectDocument;
  keychain: KeychainState | null;
  /** Names of its section. */
  taken: readonly string[];
  /** Rows of the jobs for people: `7 shop.orders`. */
  jobNames(rowIds: readonly string[]): string[];
  onDuplicate(listed: ListedConnection): void;
  onShowJobs(rowIds: readonly string[]): void;
  onNewFrom(parsed: ParsedConnection): void;
}

/** One connection: its form, and beside it its test. */
export function ConnectionDetail(props: ConnectionDetailProps) {
  const { draft, listed, document, keychain, taken } = props;
  const app = useApp();
  const kind = kindOf(draft);
  const key = draftKey(draft);
  const result = useConnections((state) => state.tests[key] ?? null);
  const history = useConnections((state) => state.history[key]) ?? [];
  const findings = useProject((state) => state.findings);
  const [saving, setSaving] = useState(false);
  const [failure, setFailure] = useState<ShownError | null>(null);
  const [pasted, setPasted] = useState<ParsedConnection | 'unknown' | null>(null);
  const [deleting, setDeleting] = useState(false);
  // Controls that remember what is being typed begin anew once it was saved, thrown away or filled in.
  const [generation, setGeneration] = useState(0);
  const renew = () => setGeneration((before) => before + 1);
  const problems = useMemo(
    () =>
      kind === undefined ? new Map() : withFindings(judgeDraft(draft, kind, document), draft, kind, listed, findings),
    [draft, kind, document, listed, findings],
  );
  if (kind === undefined) return <UnknownKind {...props} />;

  const changed = isChanged(draft, listed);
  const naming = nameProblem(draft, taken);
  const change = (next: ConnectionDraft) => {
    setFailure(null);
    app.connections.setDraft(key, next);
  };
  const touchAll = () => change({ ...draft, touched: ['name', ...kind.fields.map((field) => field.key)] });

  async function save(): Promise<void> {
    if (naming?.severity === 'error') return touchAll();
    setSaving(true);
    setFailure(null);
    try {
      await saveConnection(app, draft, listed);
      renew();
    } catch (error) {
      setFailure(shownFailure(error));
    } finally {
      setSaving(false);
    }
  }

  function take(text: string): boolean {
    const parsed = parseConnection(text);
    if (parsed === null) return false;
    if (takesParsed(draft, parsed)) {
      change(
        withParsed(draft.previousName === null && draft.name === '' ? { ...draft, name: parsed.name } : draft, parsed),
      );
    }
    renew();
    setPasted(parsed);
    return true;
  }

  /** A whole connection pasted into any field fills the form; into a secret's field goes what was pasted. */
  function paste(event: ClipboardEvent): void {
    const { target } = event;
    if (target instanceof HTMLInputElement && target.type === 'password') return;
    const text = event.clipboardData.getData('text');
    const whole = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
    const parsed = WHOLE.test(text.trim());
    if ((parsed || !whole) && take(text)) event.preventDefault();
  }

  async function pasteButton(): Promise<void> {
    const text = await navigator.clipboard.readText().catch(() => '');
    if (!take(text)) setPasted('unknown');
  }

  const secrets = shownFields(draft, kind).flatMap((field) => {
    if (field.control !== 'secret') return [];
    const state = secretState(draft, field, listed, document.origins);
    if (state.state === 'entered') return [{ label: field.label, words: 'This form; not saved yet' }];
    if (state.state !== 'set' || state.origin === null) return [];
    const { overruled } = state.origin;
    const over = overruled.length === 0 ? '' : `; it counts before ${overruled.join(', ')}`;
    const words = placeText(state.origin);
    return [{ label: field.label, words: `${words.charAt(0).toUpperCase()}${words.slice(1)}${over}` }];
  });
  const connection = { name: draft.name || 'new', label: kind.label, place: listed?.place ?? placeOfDraft(draft) };
  const failed = result?.status === 'failed' ? failedStage(result) : undefined;
  const secret = shownFields(draft, kind).find(
    (field) => field.control === 'secret' && /password|token|key/.test(field.key),
  );
  const unchangedSince = result !== null && secret !== undefined && draft.secrets[secret.key] === undefined;
  const blamed =
    failed?.stage === 'login' &&
    /AUTH|PASSWORD|LOGIN|SIGN_IN|UNAUTHORIZED|401/i.test(failed.error?.code ?? '') &&
    unchangedSince
      ? { key: secret.key, words: `Refused by the server at ${whenText(result.at)}` }
      : null;
  return (
    <div className={classes.detail} onPaste={paste}>
      <div className={classes.toolbar} role="toolbar" aria-label={draft.name || 'New connection'}>
        <h1 className="truncate">{draft.name || 'New connection'}</h1>
        <Badge>{kind.label}</Badge>
        <UsedBy {...props} />
        <span className="grow" />
        {failed !== undefined && changed ? (
          <span className={classes.saveNote}>Saving never waits for a test</span>
        ) : null}
        {listed === null ? null : (
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <ActionIcon aria-label="More">
                <IconDots size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<IconCopyPlus size={14} />} onClick={() => props.onDuplicate(listed)}>
                Duplicate
              </Menu.Item>
              <Menu.Item leftSection={<IconTrash size={14} />} onClick={() => setDeleting(true)}>
                Delete …
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
        <Button
          variant="default"
          disabled={!changed || saving}
          onClick={() => {
            setFailure(null);
            setPasted(null);
            app.connections.dropDraft(key);
            renew();
            if (listed === null) app.window.go('connections');
          }}
        >
          Discard
        </Button>
        <Button disabled={!changed} loading={saving} onClick={() => void save()}>
          Save
        </Button>
      </div>
      <div className={classes.columns}>
        <div className={`${classes.form} scroll`}>
          <Notices {...props} failure={failure} problem={problems.get('') ?? null} />
          {pasted === null ? null : (
            <Pasted
              pasted={pasted}
              fits={pasted !== 'unknown' && takesParsed(draft, pasted)}
              onNew={() => {
                if (pasted !== 'unknown') props.onNewFrom(pasted);
                setPasted(null);
              }}
              onClose={() => setPasted(null)}
            />
          )}
          {draft.type !== 'duckdb' && pasted === null ? (
            <div className={classes.paste}>
              <IconClipboard size={16} aria-hidden="true" />
              <span className="grow small dim">
                Paste {PASTED[draft.type] ?? 'a URL, or a JDBC, ODBC or ADO.NET string'} anywhere on this form to fill
                it in
              </span>
              <Button size="xs" variant="default" onClick={() => void pasteButton()}>
                Paste
              </Button>
            </div>
          ) : null}
          <ConnectionForm
            key={key}
            draft={draft}
            kind={kind}
            listed={listed}
            document={document}
            problems={problems}
            nameProblem={naming}
            blamed={blamed}
            generation={generation}
            onChange={change}
          />
          {keychain?.available === false ? (
            <p className={classes.footNote}>Secrets that are typed here can be tested, but not saved.</p>
          ) : null}
        </div>
        <TestPanel
          result={result}
          history={history}
          connection={connection}
          unsaved={changed}
          secrets={secrets}
          onTest={() => {
            touchAll();
            void testDraft(app, draft);
          }}
          onCancel={() => app.connections.cancelTest(key)}
        />
      </div>
      {listed !== null && deleting ? (
        <DeleteDialog
          {...props}
          listed={listed}
          onClose={() => setDeleting(false)}
          onDelete={async () => {
            try {
              await removeConnection(app, listed);
            } catch (error) {
              setFailure(shownFailure(error));
              setDeleting(false);
            }
          }}
        />
      ) : null}
    </div>
  );
}

function placeOfDraft({ table }: ConnectionDraft): string {
  return String(table.host ?? table.base_url ?? table.bucket_url ?? table.path ?? '');
}

function UsedBy({ listed, onShowJobs }: ConnectionDetailProps) {
  if (listed === null) return <span className="small dim">Not saved yet</span>;
  if (listed.section === 'destinations') return null;
  const { jobs } = listed;
  if (jobs.length === 0) return <span className="small dim">Used by no job</span>;
  return (
    <UnstyledButton className={classes.link} onClick={() => onShowJobs(jobs)}>
      Used by {jobs.length === 1 ? '1 job' : `${jobs.length} jobs`}
    </UnstyledButton>
  );
}

function Notices({
  document,
  keychain,
  failure,
  problem,
}: ConnectionDetailProps & {
  failure: ShownError | null;
  problem: { severity: 'error' | 'warning'; text: string } | null;
}) {
  return (
    <div className={classes.notices}>
      {failure === null ? null : (
        <Notice status="error" title={failure.message}>
          {failure.hint} <span className="faint">({failure.code})</span>
        </Notice>
      )}
      {document.readOnly === null ? null : (
        <Notice status="warning" title="This project cannot be saved now">
          {document.readOnly} Connections can be looked at and tested.
        </Notice>
      )}
      {keychain?.available === false ? (
        <Notice status="warning" title="Secrets cannot be kept on this computer">
          {keychain.detail} {keychain.hint ?? ''} Nothing is ever written in clear text.
        </Notice>
      ) : null}
      {problem === null ? null : <Notice status={problem.severity} title={problem.text} />}
    </div>
  );
}

function Pasted({
  pasted,
  fits,
  onNew,
  onClose,
}: {
  pasted: ParsedConnection | 'unknown';
  fits: boolean;
  onNew(): void;
  onClose(): void;
}) {
  const close = (
    <Button size="xs" variant="subtle" onClick={onClose}>
      OK
    </Button>
  );
  if (pasted === 'unknown') {
    return (
      <div className={classes.pasted}>
        <Notice status="warning" title="The clipboard holds no connection that is known here" actions={close} />
      </div>
    );
  }
  const kind = connectionKind(pasted.section, pasted.type)?.label ?? pasted.type;
  if (!fits) {
    const actions = (
      <>
        <Button size="xs" variant="default" onClick={onNew}>
          New connection
        </Button>
        {close}
      </>
    );
    return (
      <div className={classes.pasted}>
        <Notice status="warning" title={`What you pasted is a connection to ${kind}`} actions={actions}>
          This form was left as it is.
        </Notice>
      </div>
    );
  }
  const masked = Object.keys(pasted.secrets).length;
  const found = [
    masked === 0 ? null : masked === 1 ? '1 secret was found and masked' : `${masked} secrets were found and masked`,
    ...pasted.notes,
  ].filter((note) => note !== null);
  return (
    <div className={classes.pasted}>
      <Notice status="info" title={`Filled in from the ${pasted.form}`} actions={close}>
        {found.join('. ')}
      </Notice>
    </div>
  );
}

function DeleteDialog({
  listed,
  jobNames,
  onClose,
  onDelete,
}: ConnectionDetailProps & { listed: ListedConnection; onClose(): void; onDelete(): Promise<void> }) {
  const [busy, setBusy] = useState(false);
  const names = jobNames(listed.jobs);
  useEffect(() => () => setBusy(false), []);
  return (
    <Modal opened onClose={onClose} title={`Delete ${listed.name}?`} centered size={440}>
      <div className={classes.dialog}>
        {names.length === 0 ? (
          <p>No job uses it. It is taken out of config.toml, and its secrets are forgotten.</p>
        ) : (
          <>
            <p>
              {names.length === 1 ? 'One job reads' : `${names.length} jobs read`} from it and cannot run any more. It
              is taken out of config.toml, and its secrets are forgotten: undo brings the rest of it back.
            </p>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
            <ul className={`${classes.dialogJobs} scroll mono`} tabIndex={0} aria-label="Jobs that use it">
              {names.map((name) => (
                <li key={name}>{name}</li>
              ))}
            </ul>
          </>
        )}
        <div className={classes.dialogActions}>
          <Button variant="default" data-autofocus onClick={onClose}>
            Keep it
          </Button>
          <Button
            color="red"
            loading={busy}
            onClick={() => {
              setBusy(true);
              void onDelete();
            }}
          >
            Delete
          </Button>
        </div>
      </div>
    </Modal>
  );
}

function UnknownKind({ draft }: ConnectionDetailProps) {
  return (
    <div className={classes.empty}>
      <h1>{draft.name}</h1>
      <p className="dim">
        The files do not tell what kind of connection this is. Add <code className="mono">type = "postgresql"</code> (or
        api, filesystem …) to <code className="mono">[sources.{draft.name}]</code> in .dlt/config.toml.
      </p>
    </div>
  );
}
