/** Listeners by key: those of a row hear of that row only. */
export function createKeyedEmitter<Key>() {
  const listeners = new Map<Key, Set<() => void>>();
  return {
    on(key: Key, listener: () => void): () => void {
      let set = listeners.get(key);
      if (set === undefined) {
        set = new Set();
        listeners.set(key, set);
      }
      const own = set;
      own.add(listener);
      return () => {
        own.delete(listener);
        if (own.size === 0 && listeners.get(key) === own) listeners.delete(key);
      };
    },
    emit(key: Key): void {
      for (const listener of [...(listeners.get(key) ?? [])]) listener();
    },
    /** Keys that somebody listens to. */
    keys: (): Iterable<Key> => [...listeners.keys()],
  };
}
