import { Button, NumberInput, SegmentedControl, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Input, Settings } from '../../../engine/contract.ts';
import { shownError } from '../../actions/project-commands.ts';
import { useApp, useProject, useSettings } from '../../app.ts';
import { bridge } from '../../bridge.ts';
import { call } from '../../client.ts';
import type { ShownError } from '../../stores/window-store.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import { Toolbar } from '../../ui/panel.tsx';
import { StatusWord } from '../../ui/status-icon.tsx';
import { KeyVault } from './key-vault.tsx';
import { Row, Section } from './section.tsx';
import classes from './settings-screen.module.css';

const THEMES = [
  { value: 'system', label: 'As the system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

/** What holds for this person on this computer. Each change is kept at once. */
export function SettingsScreen() {
  const { settings: store } = useApp();
  const settings = useSettings((state) => state.settings);
  const [error, setError] = useState<ShownError | null>(null);

  async function set(change: Input<'settings.set'>): Promise<void> {
    try {
      store.setState({ settings: await call('settings.set', change) });
      setError(null);
    } catch (thrown) {
      setError(shownError(thrown));
    }
  }

  return (
    <div className={classes['screen']}>
      <Toolbar label="Settings">
        <h1>Settings</h1>
        <span className="dim">for you on this computer; they are kept as you change them</span>
      </Toolbar>
      <div className={`${classes['page']} scroll`}>
        {error === null ? null : <ErrorCard title="The setting could not be kept" error={error} />}
        {settings === null ? null : <Fields settings={settings} set={(change) => void set(change)} />}
      </div>
    </div>
  );
}

function Fields({ settings, set }: { settings: Settings; set(change: Input<'settings.set'>): void }) {
  const windows = useSettings((state) => state.about?.platform === 'win32');
  return (
    <>
      <Section title="Appearance">
        <Row label="Theme" help="Light or dark, or whatever the system says.">
          <SegmentedControl
            aria-label="Theme"
            data={THEMES}
            value={settings.theme}
            onChange={(theme) => set({ theme: theme as Settings['theme'] })}
          />
        </Row>
      </Section>
      <Section title="Runs on this computer">
        <Row label="Workers" help="Jobs that run at the same time, 1 to 20.">
          <Whole
            label="Workers"
            value={settings.max_workers}
            min={1}
            max={20}
            onSet={(max_workers) => set({ max_workers })}
          />
        </Row>
        <Row label="Memory limit" help="What DuckDB may take at most, in MiB; more than that goes to temporary files.">
          <Whole
            label="Memory limit in MiB"
            value={settings.memory_limit_mib}
            min={256}
            max={65_536}
            onSet={(memory_limit_mib) => set({ memory_limit_mib })}
          />
        </Row>
        <Row label="Preview rows" help="Rows that a preview of a job shows at most.">
          <Whole
            label="Preview rows"
            value={settings.preview_rows}
            min={10}
            max={10_000}
            onSet={(preview_rows) => set({ preview_rows })}
          />
        </Row>
        <Row label="Work folder" help="For temporary files of runs. Blank: the project’s own.">
          <FolderField
            label="Work folder"
            value={settings.work_directory}
            onSet={(work_directory) => set({ work_directory })}
          />
        </Row>
      </Section>
      <Section title="Network">
        <Row
          label="Proxy"
          help="For this window; pac+http://… is a script that chooses. Blank: HTTPS_PROXY and NO_PROXY of the environment, else the system’s proxy, as on the command line."
        >
          <Text
            label="Proxy"
            value={settings.proxy}
            placeholder="http://proxy.example:8080"
            onSet={(proxy) => set({ proxy })}
          />
        </Row>
        <Row
          label="Certificate authority"
          help="A PEM file of your company’s authority, beside the system’s own. The command line takes NODE_EXTRA_CA_CERTS."
        >
          <Text
            label="Certificate authority"
            value={settings.ca_file}
            placeholder={windows ? 'C:\\Certificates\\company.pem' : '/etc/ssl/company.pem'}
            onSet={(ca_file) => set({ ca_file })}
          />
        </Row>
      </Section>
      <Keychain />
      <KeyVault />
      <Logs />
    </>
  );
}

function Keychain() {
  const { settings } = useApp();
  const keychain = useSettings((state) => state.keychain);
  useEffect(() => {
    call('keychain.state').then(
      (state) => settings.setState({ keychain: state }),
      () => undefined,
    );
  }, [settings]);
  return (
    <Section title="Secrets">
      <Row label="Keychain" help="Passwords and tokens go straight into it and never come back into this window.">
        <div>
          {keychain === null ? (
            <span className="faint">Asking …</span>
          ) : (
            <>
              <StatusWord status={keychain.available ? 'ok' : 'warning'}>
                {keychain.available ? 'Unlocked' : 'Not available'}
              </StatusWord>
              <p className="dim small">{keychain.detail}</p>
              {keychain.hint === null ? null : <p className="small">{keychain.hint}</p>}
            </>
          )}
        </div>
      </Row>
    </Section>
  );
}

function Logs() {
  const directory = useProject((state) => state.document?.directory ?? null);
  const own = useSettings((state) => state.about?.userDataDirectory);
  const folder = directory === null ? null : `${directory}${directory.includes('\\') ? '\\' : '/'}metadata`;
  return (
    <Section title="Logs">
      <Row label="Run logs" help="One file a run, with everything that it said; and its figures beside.">
        {folder === null ? (
          <span className="dim">In the folder metadata of each project.</span>
        ) : (
          <Folder folder={folder} name="Run logs" />
        )}
      </Row>
      <Row
        label="Application files"
        help="Settings, recovery copies, encrypted secrets, and engine.log of the desktop."
      >
        {own === undefined ? null : <Folder folder={own} name="Application files" />}
      </Row>
    </Section>
  );
}

/** A place on this computer, to look at. */
function Folder({ folder, name }: { folder: string; name: string }) {
  const desktop = useSettings((state) => state.about?.host === 'desktop');
  return (
    <div className="row">
      <code className="mono truncate" title={folder}>
        {folder}
      </code>
      {desktop ? (
        <Button variant="default" size="xs" aria-label={`Show ${name}`} onClick={() => bridge.showFolder(folder)}>
          Show
        </Button>
      ) : (
        <CopyButton text={folder} label={`the path of ${name}`} />
      )}
    </div>
  );
}

interface WholeProps {
  label: string;
  value: number;
  min: number;
  max: number;
  onSet(value: number): void;
}

/** Kept when the field is left, not with each digit. */
function Whole({ label, value, min, max, onSet }: WholeProps) {
  const [typed, setTyped] = useState<string | number>(value);
  useEffect(() => setTyped(value), [value]);
  const number = Number(typed);
  const usable = typed !== '' && Number.isInteger(number) && number >= min && number <= max;
  return (
    <NumberInput
      aria-label={label}
      w={120}
      value={typed}
      error={usable ? null : `${min} to ${max.toLocaleString('en')}`}
      onChange={setTyped}
      onBlur={() => usable && number !== value && onSet(number)}
    />
  );
}

interface TextProps {
  label: string;
  value: string | null;
  placeholder?: string;
  onSet(value: string | null): void;
}

function Text({ label, value, placeholder, onSet }: TextProps) {
  const [typed, setTyped] = useState(value ?? '');
  useEffect(() => setTyped(value ?? ''), [value]);
  return (
    <TextInput
      aria-label={label}
      value={typed}
      placeholder={placeholder}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={() => {
        const text = typed.trim();
        if (text !== (value ?? '')) onSet(text === '' ? null : text);
      }}
    />
  );
}

function FolderField({ label, value, onSet }: TextProps) {
  const { commands } = useApp();
  return (
    <div className={classes['folder']}>
      <Text label={label} value={value} placeholder="the project’s own" onSet={onSet} />
      <Button
        variant="default"
        onClick={async () => {
          const folder = await commands.pickFolder('Folder for temporary files', false);
          if (folder !== null) onSet(folder);
        }}
      >
        Choose …
      </Button>
    </div>
  );
}
