import { expect, test } from 'vitest';
import { loadDriver } from '../../engine/load-driver.ts';

test('a driver that is there is loaded', async () => {
  expect(await loadDriver('node:path', () => import('node:path'))).toHaveProperty('join');
});

test('one that is not installed is named, with the command that installs it', async () => {
  const missing = 'no-such-driver';
  await expect(loadDriver(missing, () => import(missing))).rejects.toMatchObject({
    code: 'DRIVER_MISSING',
    hint: 'Install it with: npm install no-such-driver',
  });
});

test('one that is there and breaks says why', async () => {
  const broken = () => Promise.reject(new Error('wrong machine'));
  await expect(loadDriver('oracledb', broken)).rejects.toMatchObject({
    code: 'DRIVER_MISSING',
    message: expect.stringContaining('wrong machine'),
  });
});
