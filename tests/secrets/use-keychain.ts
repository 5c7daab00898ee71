/** Keeps a secret with the system's keychain, or looks it up. Prints what came of it. */
import { createSecretStore } from '../../engine/secrets/secret-store.ts';

const [directory = '', what = ''] = process.argv.slice(2);
const store = createSecretStore({ directory });
try {
  if (what === 'set') await store.set('/project', [{ path: ['sources', 'shop', 'password'], value: 'keyring-secret' }]);
  const value = await store.get('/project', ['sources', 'shop', 'password']);
  console.log(JSON.stringify({ value, state: await store.state() }));
} catch (error) {
  const { code, message, hint } = error as { code: string; message: string; hint: string };
  console.log(JSON.stringify({ code, message, hint }));
}
