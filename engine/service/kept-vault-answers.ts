import type { OpenProject } from '../open-project.ts';

/** A secret that was changed in the vault is seen after so many milliseconds; a vault that could not be reached is asked again sooner. */
const LASTS = 10 * 60_000;
const FAILURE_LASTS = 30_000;

/** What key vaults said last, for as long as the project stays as it was read: a preview must not ask for every secret anew. */
export class KeptVaultAnswers {
  readonly #ask: (opened: OpenProject, env: string | null) => Promise<OpenProject>;
  readonly #kept = new WeakMap<OpenProject, { answer: Promise<OpenProject>; until: number }>();

  constructor(ask: (opened: OpenProject, env: string | null) => Promise<OpenProject>) {
    this.#ask = ask;
  }

  /** The project itself where it has no vault. */
  get(opened: OpenProject, env: string | null): Promise<OpenProject> {
    if (opened.keyVault === null) return Promise.resolve(opened);
    const kept = this.#kept.get(opened);
    if (kept !== undefined && Date.now() < kept.until) return kept.answer;
    const answer = this.#ask(opened, env);
    const entry = { answer, until: Date.now() + LASTS };
    this.#kept.set(opened, entry);
    answer.then(
      ({ findings }) => {
        if (findings.some(({ code }) => code === 'SECRET_PROVIDER_UNREACHABLE'))
          entry.until = Date.now() + FAILURE_LASTS;
      },
      () => this.#kept.delete(opened),
    );
    return answer;
  }
}
