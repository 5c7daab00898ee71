import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { StageReader } from './delta-tables.ts';

const PAGE = 2;

/** The workspace's Files API over a folder: `/api/2.0/fs/{files,directories}/Volumes/…`. */
async function answer(request: IncomingMessage, response: ServerResponse, root: string): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://localhost');
  const [, what = '', path = ''] =
    /^\/api\/2\.0\/fs\/(files|directories)(\/Volumes\/.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
  const file = join(root, path);
  const end = (status: number, body?: object) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body));
  const missing = () => end(404, { error_code: 'NOT_FOUND', message: `${path} does not exist.` });
  try {
    if (what === 'directories' && request.method === 'PUT') {
      await mkdir(file, { recursive: true });
      return end(204);
    }
    if (what === 'files' && request.method === 'PUT') {
      if (!(await stat(dirname(file)).catch(() => null))) return missing();
      await pipeline(request, createWriteStream(`${file}.part`));
      await rename(`${file}.part`, file);
      return end(204);
    }
    if (what === 'directories' && request.method === 'GET') {
      const entries = (await readdir(file, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const from = Number(url.searchParams.get('page_token') ?? 0);
      const contents = entries
        .slice(from, from + PAGE)
        .map((entry) => ({ path: `${path.replace(/\/$/, '')}/${entry.name}`, is_directory: entry.isDirectory() }));
      const next = from + PAGE < entries.length ? { next_page_token: String(from + PAGE) } : {};
      return end(200, { contents, ...next });
    }
    if (request.method === 'DELETE') {
      if (what === 'files') await rm(file);
      else await rmdir(file);
      return end(204);
    }
    end(405);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return missing();
    end(400, { error_code: 'INVALID_STATE', message: (error as Error).message });
  }
}

/** COPY INTO from `/Volumes/…`. */
function stage(root: string): StageReader {
  return {
    async list(url) {
      const entries = await readdir(join(root, url)).catch(() => []);
      return entries.filter((name) => !/^[_.]|\.part$/.test(name));
    },
    read: (url, name) => readFile(join(root, url, name)),
  };
}

export const answerFiles = { answer, stage };
