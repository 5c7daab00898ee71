import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { IngestError, messageOf } from '../errors.ts';
import {
  CONFIG_FILE,
  locateProject,
  type ProjectFiles,
  readProjectFiles,
  WORKBOOK_FILE,
} from './read-project-files.ts';

const LARGEST_FILE = 512 * 1024 * 1024;
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';

/**
 * The files of the project in `directory` as they were in a revision of its git repository; secrets are not among them.
 * Nothing of the working tree is touched, and no program that the repository names (a text conversion, a hook) is run.
 * @throws IngestError GIT_NOT_FOUND, GIT_FAILED, REVISION_NOT_FOUND, REVISION_WITHOUT_PROJECT, and those of {@link readProjectFiles}
 */
export async function readProjectAtRevision(
  directory: string,
  revision: string,
  options: { env?: string } = {},
): Promise<ProjectFiles> {
  const place = await locateProject(directory);
  const git = await gitProgram();
  const asked = await run(git, place.directory, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  ]);
  if (!asked.ok) throw await noRevision(git, place.directory, revision, asked.error);
  const commit = asked.output.toString('utf8').trim();
  const copy = await mkdtemp(path.join(tmpdir(), 'ingest-revision-'));
  try {
    await mkdir(path.join(copy, '.dlt'), { mode: 0o700 });
    const settings = [CONFIG_FILE, ...(options.env === undefined ? [] : [`.dlt/config.${options.env}.toml`])];
    const files = [
      { from: place.directory, name: WORKBOOK_FILE },
      ...settings.map((name) => ({ from: place.settingsDirectory, name })),
    ];
    const found = await Promise.all(
      files.map(async ({ from, name }) => {
        const blob = await run(git, from, ['cat-file', 'blob', `${commit}:./${name}`]);
        if (!blob.ok) return false;
        if (blob.output.subarray(0, LFS_POINTER.length).toString('latin1') === LFS_POINTER) {
          throw new IngestError('GIT_FAILED', `${name} of ${revision} is kept by Git LFS, which is not read here.`, {
            hint: 'Check the revision out into another folder (git worktree add) and compare with that folder.',
          });
        }
        await writeFile(path.join(copy, name), blob.output, { mode: 0o600 });
        return true;
      }),
    );
    if (!found[0]) {
      throw new IngestError(
        'REVISION_WITHOUT_PROJECT',
        `Revision ${revision} has no ${WORKBOOK_FILE} in ${place.directory}.`,
        {
          hint: `See which have with: git log -- ${path.join(directory, WORKBOOK_FILE)}`,
        },
      );
    }
    return { ...(await readProjectFiles(copy, options)), directory: place.directory };
  } finally {
    await rm(copy, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

type Answer = { ok: true; output: Buffer } | { ok: false; error: string };

/** Runs git without a shell, without questions and without changes. */
function run(git: string, directory: string, words: readonly string[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    execFile(
      git,
      ['--no-pager', '--no-replace-objects', '-C', directory, ...words],
      {
        encoding: 'buffer',
        maxBuffer: LARGEST_FILE,
        windowsHide: true,
        env: { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' },
      },
      (error, output, said) => {
        if (error === null) resolve({ ok: true, output });
        else if ((error as NodeJS.ErrnoException).code === 'ENOENT') reject(gitNotFound());
        else resolve({ ok: false, error: said.toString('utf8').trim() || messageOf(error) });
      },
    );
  });
}

/** Windows would look for a program in the current folder first, which may be the project's. */
async function gitProgram(): Promise<string> {
  if (process.platform !== 'win32') return 'git';
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    if (!path.isAbsolute(folder)) continue;
    const file = path.join(folder, 'git.exe');
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  throw gitNotFound();
}

function gitNotFound(): IngestError {
  return new IngestError('GIT_NOT_FOUND', 'Comparing with a revision needs git, which is not installed here.', {
    hint: 'Install git, or name a folder that holds the other project.',
  });
}

async function noRevision(git: string, directory: string, revision: string, error: string): Promise<IngestError> {
  const inside = await run(git, directory, ['rev-parse', '--is-inside-work-tree']);
  if (!inside.ok) {
    return new IngestError(
      'GIT_FAILED',
      `git cannot read a repository in ${directory}: ${inside.error.split('\n')[0]}`,
      {
        hint: `"${revision}" is no folder, and so is taken for a revision of the project's repository. Name a folder, or put the project under git.`,
      },
    );
  }
  return new IngestError(
    'REVISION_NOT_FOUND',
    `"${revision}" is neither a folder nor a revision of the repository in ${directory}.${error === '' ? '' : ` ${error.split('\n')[0]}`}`,
    { hint: 'Name a folder, a branch, a tag, a commit, or one such as HEAD~1. A shallow clone has only some of them.' },
  );
}
