import { buildBundle } from '../bundle/export-bundle.ts';
import { readOtherProject } from '../bundle/other-project.ts';
import { differenceTo, inspectTarget, writeBundle } from '../bundle/write-bundle.ts';
import { diffProjects } from '../spec/project-diff.ts';
import type { HandlerGroup } from './handlers.ts';

/** The project as a bundle that runs elsewhere. */
export const exportHandlers: HandlerGroup<'export.preview' | 'export.compare' | 'export.write'> = (service) => {
  const build = async (directory: string, env: string | null) => {
    const opened = await service.open(directory, env);
    const app = { name: 'Ingest Studio', version: service.version };
    return { opened, bundle: await buildBundle(opened, { app, now: new Date() }) };
  };
  return {
    async 'export.preview'({ directory, env, target }) {
      const { opened, bundle } = await build(directory, env);
      const place = target === null ? null : await inspectTarget(target, opened.directory);
      return {
        findings: bundle.findings,
        // What blocks the export, a password in an address, is not shown either.
        files: bundle.files.map(({ name, bytes, text }) => ({
          name,
          bytes: bytes.length,
          text: text === null ? null : opened.redactor.text(text),
        })),
        secrets: bundle.secrets,
        difference: place === null ? null : await differenceTo(place, opened.files),
        command: runCommand(target ?? 'BUNDLE', env),
      };
    },
    async 'export.compare'({ directory, env, against }) {
      const { directory: project, files } = await service.open(directory, env);
      return diffProjects(await readOtherProject(against, { project, base: project, env }), files);
    },
    async 'export.write'({ directory, env, target }) {
      const { opened, bundle } = await build(directory, env);
      const place = await inspectTarget(target, opened.directory);
      return { directory: place.folder, files: await writeBundle(bundle, place) };
    },
  };
};

/** The command that runs a bundle, as a shell of any system takes it. */
function runCommand(folder: string, env: string | null): string {
  const name = /^[\w./:\\~-]+$/.test(folder) ? folder : `"${folder}"`;
  return `ingest run -c ${name}${env === null ? '' : ` --env ${env}`}`;
}
