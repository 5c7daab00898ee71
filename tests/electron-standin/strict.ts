/** What runtimes and inspectors look up on any object. */
const PROBES = new Set([
  'then',
  'toJSON',
  'default',
  '__esModule',
  'inspect',
  'constructor',
  'asymmetricMatch',
  'nodeType',
  'tagName',
]);

/** Throws where something is used that the stand-in does not have: nothing is silently ignored. */
export function strict<T extends object>(object: T, name: string): T {
  return new Proxy(object, {
    get(target, key) {
      if (typeof key === 'string' && !(key in target) && !PROBES.has(key)) {
        throw new Error(`electron stand-in: ${name}.${key} is not modelled`);
      }
      const value = Reflect.get(target, key);
      // Private fields need the object itself, not its proxy.
      return typeof value === 'function' && key !== 'constructor' ? value.bind(target) : value;
    },
  });
}
