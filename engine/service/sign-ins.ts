import type { SecretStore } from '../secrets/secret-store.ts';
import { type SignInDesk, type SignInRequest, SignInSessions } from '../sign-in/sign-in-desk.ts';
import type { HandlerGroup } from './handlers.ts';
import type { Emit } from './service-context.ts';

/** The sign-ins that windows are asked for. */
export class SignIns {
  readonly sessions = new SignInSessions();
  readonly #waiting = new Map<string, { request: SignInRequest; cancel(): void }>();
  readonly #store: SecretStore;
  readonly #emit: Emit;

  constructor(store: SecretStore, emit: Emit) {
    this.#store = store;
    this.#emit = emit;
  }

  /** Where calls about a project ask people. */
  desk(project: string): SignInDesk {
    return {
      project,
      store: this.#store,
      sessions: this.sessions,
      ask: (request, cancel) => {
        this.#waiting.set(request.id, { request, cancel });
        this.#emit('sign_in.wanted', request);
        return () => {
          this.#waiting.delete(request.id);
          this.#emit('sign_in.ended', { id: request.id });
        };
      },
    };
  }

  waiting(): SignInRequest[] {
    return [...this.#waiting.values()].map(({ request }) => request);
  }

  cancel(id: string): void {
    this.#waiting.get(id)?.cancel();
  }
}

export const signInHandlers: HandlerGroup<'sign_in.waiting' | 'sign_in.cancel'> = ({ signIns }) => ({
  async 'sign_in.waiting'() {
    return signIns.waiting();
  },
  async 'sign_in.cancel'({ id }) {
    signIns.cancel(id);
  },
});
