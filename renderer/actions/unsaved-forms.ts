import type { AppStores } from '../stores/app-stores.ts';
import { connectionKey, NEW_DRAFT } from '../stores/connection-store.ts';

/** A form whose contents are in no file yet, and not among the edits of the workbook either. */
export interface UnsavedForm {
  /** `The connection shop` */
  words: string;
  /** @throws ContractError where the engine refuses it, Error with what is missing in it */
  save(): Promise<void>;
  discard(): void;
  /** Goes to where it is filled in. */
  show(): void;
}

/** Forms of connections and requests of API previews that would be lost with the window. */
export function unsavedForms(stores: AppStores): UnsavedForm[] {
  const { project, connections, api, window } = stores;
  if (project.getState().document === null) return [];
  const drafts = connections.unsavedDrafts().map((draft): UnsavedForm => {
    const { section, previousName, name } = draft;
    const key = previousName === null ? NEW_DRAFT : connectionKey(section, previousName);
    return {
      words: name.trim() === '' ? 'A new connection' : `The connection ${previousName ?? name}`,
      async save() {
        // Loaded when it is needed: most sessions never come here.
        const [{ saveConnection }, { nameProblem }, { listedConnections }] = await Promise.all([
          import('../screens/connections/connection-commands.ts'),
          import('../screens/connections/connection-form.ts'),
          import('../screens/connections/connection-list.ts'),
        ]);
        const listed = listedConnections(project);
        const taken = listed.filter((one) => one.section === section).map((one) => one.name);
        const problem = nameProblem(draft, taken);
        if (problem?.severity === 'error') throw new Error(problem.text);
        await saveConnection(
          stores,
          draft,
          listed.find((one) => one.section === section && one.name === previousName) ?? null,
        );
      },
      discard: () => connections.dropDraft(key),
      show: () => window.go('connections', key),
    };
  });
  const requests = Object.keys(api.getState().drafts).map(
    (rowId): UnsavedForm => ({
      words: `The request of ${project.cell('SourceConfig', rowId, 'table_name') || 'a job'}`,
      async save() {
        const { applyDraft } = await import('../screens/api/preview-commands.ts');
        await applyDraft(stores, rowId);
      },
      discard: () => api.setDraft(rowId, { cells: {}, options: {} }),
      show: () => window.go('api', rowId),
    }),
  );
  return [...drafts, ...requests];
}
