import { ActionIcon, Badge, Button, SegmentedControl, Select, Skeleton, TextInput } from '@mantine/core';
import {
  IconArrowRight,
  IconClipboardCheck,
  IconFileCode,
  IconFileSpreadsheet,
  IconFolder,
  IconFolderOpen,
  IconPackageExport,
} from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { Output, ProjectDocument } from '../../../engine/contract.ts';
import type { Finding } from '../../../engine/spec/finding.ts';
import { runAction } from '../../actions/actions.ts';
import { useApp, useProject, useSettings } from '../../app.ts';
import { bridge } from '../../bridge.ts';
import { call } from '../../client.ts';
import type { ShownError } from '../../stores/window-store.ts';
import { CodeView, type Language } from '../../ui/code-view.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import { bytesText, plural } from '../../ui/number-text.ts';
import { Panel, Toolbar } from '../../ui/panel.tsx';
import { StatusIcon, StatusWord } from '../../ui/status-icon.tsx';
import { useAsked } from '../results/use-results.ts';
import { shownError } from '../runs/use-run.ts';
import { DifferenceView } from './difference-view.tsx';
import classes from './export-screen.module.css';

type Preview = Output<'export.preview'>;

/** What was chosen before, by project: it outlives the screen. */
const chosen = new Map<string, { target: string; env: string | null }>();

/** The project as a folder that runs headless elsewhere. */
export function ExportScreen() {
  const document = useProject((state) => state.document);
  if (document === null) return null;
  return <Export key={document.directory} document={document} />;
}

function Export({ document }: { document: ProjectDocument }) {
  const app = useApp();
  const unsaved = useProject((state) => state.unsaved);
  const before = chosen.get(document.directory) ?? { target: `${document.directory}-bundle`, env: document.env };
  const [target, setTarget] = useState(before.target);
  const [typed, setTyped] = useState(before.target);
  const [env, setEnv] = useState(before.env);
  const [view, setView] = useState<'meaning' | 'content'>('meaning');
  const [file, setFile] = useState<string | null>(null);
  const [writing, setWriting] = useState(false);
  const [written, setWritten] = useState<string | null>(null);
  const [failed, setFailed] = useState<ShownError | null>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    chosen.set(document.directory, { target, env });
  }, [document.directory, target, env]);

  const preview = useAsked(
    JSON.stringify([document.directory, env, target, document.fingerprint, document.configFingerprint, round]),
    (signal) =>
      call('export.preview', { directory: document.directory, env, target: target === '' ? null : target }, { signal }),
    { keep: true },
  );
  // A folder that cannot be used says so beside its field; what would be written is shown all the same.
  const without = useAsked(
    preview.error?.code === 'EXPORT_TARGET'
      ? JSON.stringify([document.directory, env, document.fingerprint, round])
      : null,
    (signal) => call('export.preview', { directory: document.directory, env, target: null }, { signal }),
  );
  const [compared, setCompared] = useState('');
  const [against, setAgainst] = useState('');
  const other = useAsked(
    against === '' ? null : JSON.stringify([document.directory, env, document.fingerprint, round, against]),
    (signal) => call('export.compare', { directory: document.directory, env, against }, { signal }),
  );
  const shown = preview.value ?? without.value;
  const targetProblem = preview.error?.code === 'EXPORT_TARGET' ? preview.error : null;
  const errors = shown?.findings.filter(({ severity }) => severity === 'error') ?? [];
  const warnings = shown?.findings.filter(({ severity }) => severity === 'warning') ?? [];
  const selected =
    shown?.files.find(({ name }) => name === file) ?? shown?.files.find(({ text }) => text !== null) ?? null;

  useEffect(() => {
    app.window.setState({ place: shown === null ? '' : plural(shown.files.length, 'file') });
  }, [app, shown]);

  async function pick(): Promise<void> {
    const picked = await bridge.pickFolder('Export into');
    const folder =
      picked !== undefined
        ? picked
        : await new Promise<string | null>((answer) =>
            app.window.show({ kind: 'folder', title: 'Export into', answer, projectsOnly: false }),
          );
    if (folder !== null) choose(folder);
  }
  function choose(folder: string): void {
    setTyped(folder);
    setTarget(folder.trim());
    setWritten(null);
    setFailed(null);
  }
  async function write(): Promise<void> {
    if (unsaved > 0 && !(await app.commands.save())) return;
    setWriting(true);
    setFailed(null);
    try {
      const { directory, files } = await call('export.write', { directory: document.directory, env, target });
      setWritten(directory);
      app.window.toast({ tone: 'ok', title: `Exported ${plural(files.length, 'file')}`, text: directory });
      setRound((now) => now + 1);
    } catch (error) {
      setFailed(shownError(error));
    } finally {
      setWriting(false);
    }
  }

  return (
    <div className={classes['screen']}>
      <Toolbar label="Export">
        <h1>Export</h1>
        {shown === null ? null : errors.length > 0 ? (
          <StatusWord status="error">{plural(errors.length, 'error')} in the way</StatusWord>
        ) : targetProblem !== null ? (
          <StatusWord status="error">Choose another folder</StatusWord>
        ) : (
          <StatusWord status="ok">Nothing blocks it</StatusWord>
        )}
        {warnings.length > 0 ? <StatusWord status="warning">{plural(warnings.length, 'warning')}</StatusWord> : null}
        {unsaved > 0 ? <Badge data-drop="narrow">saves {plural(unsaved, 'change')} first</Badge> : null}
        <span className="grow" />
        <ActionIcon
          data-drop="narrow"
          aria-label="Preflight all enabled jobs"
          title="Preflight all enabled jobs: what their next runs would read, and whether it would land"
          onClick={() => runAction(app.actions, 'preflight.all')}
        >
          <IconClipboardCheck size={16} />
        </ActionIcon>
        <span className="faint small" data-drop="first">
          into
        </span>
        <TextInput
          aria-label="Folder"
          className={classes['folder']}
          leftSection={<IconFolder size={14} />}
          value={typed}
          error={targetProblem !== null}
          onChange={(event) => setTyped(event.currentTarget.value)}
          onBlur={() => choose(typed)}
          onKeyDown={(event) => event.key === 'Enter' && choose(typed)}
        />
        <Button
          variant="default"
          px={7}
          aria-label="Choose a folder"
          title="Choose a folder"
          onClick={() => void pick()}
        >
          <IconFolderOpen size={14} />
        </Button>
        {document.environments.length === 0 ? null : (
          <Select
            aria-label="Environment"
            placeholder="no environment"
            data={document.environments}
            value={env}
            onChange={setEnv}
            clearable
            w={130}
          />
        )}
        <Button
          leftSection={<IconPackageExport size={14} />}
          loading={writing}
          disabled={shown === null || errors.length > 0 || targetProblem !== null || target === ''}
          onClick={() => void write()}
        >
          Export {shown === null ? '' : plural(shown.files.length, 'file')}
        </Button>
      </Toolbar>
      {preview.error !== null && targetProblem === null ? (
        <div className={classes['notice']}>
          <ErrorCard title="The export could not be prepared" error={preview.error} />
        </div>
      ) : null}
      {targetProblem === null ? null : (
        <div className={classes['notice']}>
          <ErrorCard title="This folder cannot be used" error={targetProblem} />
        </div>
      )}
      {failed === null ? null : (
        <div className={classes['notice']}>
          <ErrorCard title="The export failed" error={failed} />
        </div>
      )}
      {shown === null ? (
        preview.loading || without.loading ? (
          <Loading />
        ) : null
      ) : (
        <div className={classes['columns']} aria-busy={preview.loading}>
          <Files
            files={shown.files}
            selected={view === 'content' ? (selected?.name ?? null) : null}
            onSelect={(name) => {
              setFile(name);
              setView('content');
            }}
          >
            <Findings title="In the way" findings={errors} />
            <Findings title="Warnings" findings={warnings} />
          </Files>
          <Panel
            className={classes['middle']}
            title={view === 'meaning' ? 'What changes' : (selected?.name ?? 'File')}
            count={
              view === 'meaning'
                ? against !== ''
                  ? `against ${against}`
                  : shown.difference === null
                    ? 'a first export'
                    : 'against the last export'
                : bytesText(selected?.bytes ?? 0)
            }
            actions={
              <SegmentedControl
                aria-label="Show"
                value={view}
                onChange={(value) => setView(value as typeof view)}
                data={[
                  { value: 'meaning', label: 'Meaning' },
                  { value: 'content', label: 'File content' },
                ]}
              />
            }
          >
            {view === 'meaning' ? (
              <>
                <TextInput
                  className={classes['against']}
                  aria-label="Compare with"
                  placeholder="Compare with a folder, a bundle or a git revision such as HEAD~1; blank: the last export"
                  value={compared}
                  onChange={({ currentTarget }) => setCompared(currentTarget.value)}
                  onBlur={() => setAgainst(compared.trim())}
                  onKeyDown={({ key }) => key === 'Enter' && setAgainst(compared.trim())}
                />
                {against === '' ? (
                  <DifferenceView difference={shown.difference} />
                ) : other.error !== null ? (
                  <ErrorCard title="It cannot be compared" error={other.error} />
                ) : other.value !== null ? (
                  <DifferenceView difference={other.value} />
                ) : null}
              </>
            ) : selected === null || selected.text === null ? (
              <EmptyState title="A workbook">It is copied as it is, byte by byte.</EmptyState>
            ) : (
              <div className={`${classes['content']} scroll`}>
                <CodeView text={selected.text} language={languageOf(selected.name)} label={selected.name} />
              </div>
            )}
          </Panel>
          <Aside preview={shown} target={target} written={written} />
        </div>
      )}
    </div>
  );
}

interface FilesProps {
  files: Preview['files'];
  selected: string | null;
  onSelect(name: string): void;
  children: React.ReactNode;
}

function Files({ files, selected, onSelect, children }: FilesProps) {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return (
    <Panel className={classes['side']} title="Files" count={`${files.length}, ${bytesText(bytes)}`}>
      <div className={`${classes['scroll']} scroll`}>
        <ul className={classes['files']}>
          {files.map(({ name, bytes: size }) => {
            const slash = name.lastIndexOf('/') + 1;
            const Icon = name.endsWith('.xlsx') ? IconFileSpreadsheet : IconFileCode;
            return (
              <li key={name}>
                <button
                  type="button"
                  className={classes['file']}
                  aria-current={name === selected ? 'true' : undefined}
                  onClick={() => onSelect(name)}
                >
                  <Icon size={14} aria-hidden />
                  <span className="truncate">
                    <span className="faint">{name.slice(0, slash)}</span>
                    {name.slice(slash)}
                  </span>
                  <span className="grow" />
                  <span className="faint num">{bytesText(size)}</span>
                </button>
              </li>
            );
          })}
        </ul>
        {children}
      </div>
    </Panel>
  );
}

function Findings({ title, findings }: { title: string; findings: readonly Finding[] }) {
  if (findings.length === 0) return null;
  return (
    <section className={classes['findings']} aria-label={title}>
      <h3>{title}</h3>
      <ul>
        {findings.map(({ severity, code, message, hint }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: findings have no identity
          <li key={at}>
            <StatusIcon status={severity === 'error' ? 'error' : 'warning'} />
            <span>
              {message}
              {hint === null ? null : <span className="dim"> {hint}</span>} <code className="faint">{code}</code>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Aside({ preview, target, written }: { preview: Preview; target: string; written: string | null }) {
  const desktop = useSettings((state) => state.about?.host === 'desktop');
  return (
    <div className={`${classes['aside']} scroll`}>
      <section aria-label="Secrets">
        <h2>
          Secrets <span className={classes['aside-note']}>names only, never values</span>
        </h2>
        {preview.secrets.length === 0 ? (
          <p className="dim small">This project needs none.</p>
        ) : (
          <>
            <ul className={classes['secrets']}>
              {preview.secrets.map(({ path, environment }) => (
                <li key={path}>
                  <code className="mono">{environment}</code>
                  <span className="faint small">{path}</span>
                </li>
              ))}
            </ul>
            <p className="dim small">Set them as environment variables where the bundle runs.</p>
          </>
        )}
      </section>
      <section aria-label="Run it">
        <h2>Run it</h2>
        <CodeView text={preview.command} language="shell" label="the command" wrap />
        <p className="dim small">
          Runs here, in CI or in a container. It checks bundle.json first: every file by its hash, and the runner's
          version.
        </p>
        {written === null ? null : (
          <p className={classes['written']}>
            <StatusWord status="ok">
              <span>Written to</span>
            </StatusWord>
            <code className="mono">{written}</code>
            {desktop ? (
              <Button
                size="xs"
                variant="subtle"
                rightSection={<IconArrowRight size={12} />}
                onClick={() => bridge.showFolder(target)}
              >
                Show the folder
              </Button>
            ) : null}
          </p>
        )}
      </section>
    </div>
  );
}

function languageOf(name: string): Language {
  if (name.endsWith('.json')) return 'json';
  return name.includes('.toml') ? 'toml' : 'text';
}

function Loading() {
  return (
    <div className={classes['notice']} aria-busy="true">
      <span className="sr">Preparing the export</span>
      {Array.from({ length: 9 }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows without content
        <Skeleton key={at} height={16} mb={16} width={`${94 - ((at * 11) % 40)}%`} />
      ))}
    </div>
  );
}
