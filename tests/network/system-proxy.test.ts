import { describe, expect, test } from 'vitest';
import { hasSystemProxy, isBypassed, readSystemProxy } from '../../engine/network/system-proxy.ts';

const SETTINGS = 'Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings';
const POLICIES = 'Software\\Policies\\Microsoft\\Windows\\CurrentVersion\\Internet Settings';

/** What `reg query` writes: an empty line, the key, its values, the keys below. */
function registry(key: string, values: readonly string[], below: readonly string[] = []): string {
  return ['', key, ...values.map((value) => `    ${value}`), '', ...below.map((name) => `${key}\\${name}`), ''].join(
    '\r\n',
  );
}

/** Keys that are not there end as they do: an error in the language of the system. */
function windows(keys: Record<string, string>) {
  const asked: string[] = [];
  const run = async (file: string, args: readonly string[]) => {
    asked.push(`${file} ${args[0]}`);
    const answer = keys[args[1] ?? ''];
    if (answer === undefined) throw new Error('FEHLER: Der angegebene Registrierungsschlüssel wurde nicht gefunden.');
    return answer;
  };
  return { asked, read: () => readSystemProxy('win32', run, { SystemRoot: 'D:\\Windows' }) };
}

describe('Windows', () => {
  test('a proxy, its exceptions and a script; values of other kinds and names with blanks beside them', async () => {
    const { asked, read } = windows({
      [`HKCU\\${SETTINGS}`]: registry(
        `HKEY_CURRENT_USER\\${SETTINGS}`,
        [
          '(Standard)    REG_SZ    (Wert nicht gesetzt)',
          'DisableCachingOfSSLPages    REG_DWORD    0x0',
          'User Agent    REG_SZ    Mozilla/4.0 (compatible; MSIE 8.0; Win32)',
          'ZonesSecurityUpgrade    REG_BINARY    D6B2A8C3F1D4D701',
          'ProxyEnable    REG_DWORD    0x1',
          'MigrateProxy    REG_DWORD    0x1',
          'ProxyServer    REG_SZ    proxy.corp.example:8080',
          'ProxyOverride    REG_SZ    *.corp.example;10.*;https://intern.example:8443;<local>',
          'AutoConfigURL    REG_SZ    http://wpad.corp.example/proxy.pac?site=4',
        ],
        ['5.0', 'Connections', 'ZoneMap'],
      ),
    });
    expect(await read()).toEqual({
      script: new URL('http://wpad.corp.example/proxy.pac?site=4'),
      http: 'http://proxy.corp.example:8080',
      https: 'http://proxy.corp.example:8080',
      bypass: ['*.corp.example', '10.*', 'https://intern.example:8443', '<local>'],
    });
    // By its whole path, and nothing but reading.
    expect(new Set(asked)).toEqual(new Set(['D:\\Windows\\System32\\reg.exe query']));
  });

  test('proxies by kind of address; one that is switched off is none', async () => {
    const of = (enable: string, server: string) =>
      windows({
        [`HKCU\\${SETTINGS}`]: registry('HKEY', [
          `ProxyEnable    REG_DWORD    ${enable}`,
          `ProxyServer    REG_SZ    ${server}`,
          'ProxyOverride    REG_SZ',
        ]),
      }).read();
    expect(await of('0x1', 'http=p1.example:80;https=https://p2.example:443;ftp=p3:21;socks=s:1080')).toEqual({
      script: null,
      http: 'http://p1.example:80',
      https: 'https://p2.example:443',
      bypass: [],
    });
    expect(await of('0x1', 'socks=s.example:1080')).toMatchObject({ http: null, https: null });
    expect(await of('0x0', 'proxy.example:8080')).toMatchObject({ http: null, https: null });
  });

  test('policies go before, and may take the computer instead of the user', async () => {
    const user = registry('HKEY', ['ProxyEnable    REG_DWORD    0x1', 'ProxyServer    REG_SZ    user.example:1']);
    const computer = registry('HKEY', ['ProxyEnable    REG_DWORD    0x1', 'ProxyServer    REG_SZ    all.example:2']);
    const policy = registry('HKEY', ['AutoConfigURL    REG_SZ    https://policy.example/p.pac']);
    const keys = { [`HKCU\\${SETTINGS}`]: user, [`HKLM\\${SETTINGS}`]: computer, [`HKCU\\${POLICIES}`]: policy };
    expect(await windows(keys).read()).toMatchObject({
      http: 'http://user.example:1',
      script: new URL('https://policy.example/p.pac'),
    });
    const perComputer = { [`HKLM\\${POLICIES}`]: registry('HKEY', ['ProxySettingsPerUser    REG_DWORD    0x0']) };
    expect(await windows({ ...keys, ...perComputer }).read()).toMatchObject({ http: 'http://all.example:2' });
  });

  test('nothing there, nothing readable: no proxy, no error', async () => {
    const none = { script: null, http: null, https: null, bypass: [] };
    expect(await windows({}).read()).toEqual(none);
    const odd = registry('HKEY', [
      'AutoConfigURL    REG_SZ    wpad.dat',
      'ProxyEnable    REG_DWORD    0x1',
      'ProxyServer',
    ]);
    expect(await windows({ [`HKCU\\${SETTINGS}`]: odd }).read()).toEqual(none);
  });
});

/** `scutil --proxy` of a Mac behind a company's proxy, with a service that is not in use below. */
const SCUTIL = `<dictionary> {
  ExceptionsList : <array> {
    0 : *.local
    1 : 169.254/16
    2 : 192.168.0.0/16
  }
  ExcludeSimpleHostnames : 1
  FTPPassive : 1
  HTTPEnable : 1
  HTTPPort : 8080
  HTTPProxy : proxy.corp.example
  HTTPSEnable : 1
  HTTPSPort : 8443
  HTTPSProxy : 2001:db8::5
  ProxyAutoConfigEnable : 1
  ProxyAutoConfigURLString : http://wpad.corp.example/proxy.pac
  SOCKSEnable : 0
  __SCOPED__ : <dictionary> {
    en0 : <dictionary> {
      ExceptionsList : <array> {
        0 : *.elsewhere.example
      }
      HTTPEnable : 0
      HTTPProxy : other.example
      ProxyAutoConfigURLString : http://elsewhere.example/no.pac
    }
  }
}
`;

describe('macOS', () => {
  const read = (output: string) => readSystemProxy('darwin', async () => output);

  test('what is in use, not what single interfaces say', async () => {
    expect(await read(SCUTIL)).toEqual({
      script: new URL('http://wpad.corp.example/proxy.pac'),
      http: 'http://proxy.corp.example:8080',
      https: 'http://[2001:db8::5]:8443',
      bypass: ['*.local', '169.254/16', '192.168.0.0/16', '<local>'],
    });
  });

  test('what is switched off is none, and a program that fails, too', async () => {
    const none = { script: null, http: null, https: null, bypass: [] };
    const off = SCUTIL.replaceAll('Enable : 1', 'Enable : 0').replace('Hostnames : 1', 'Hostnames : 0');
    expect(await read(off)).toEqual({ ...none, bypass: ['*.local', '169.254/16', '192.168.0.0/16'] });
    expect(await read('<dictionary> {\n}\n')).toEqual(none);
    expect(await readSystemProxy('darwin', () => Promise.reject(new Error('ENOENT')))).toEqual(none);
  });
});

test('elsewhere the environment is the convention, and no program is run', async () => {
  const run = () => Promise.reject(new Error('not to be run'));
  expect(await readSystemProxy('linux', run)).toMatchObject({ script: null, http: null });
  expect(['win32', 'darwin', 'linux'].map((name) => hasSystemProxy(name as NodeJS.Platform))).toEqual([
    true,
    true,
    false,
  ]);
});

test('a program that is not there, started for real, counts as no proxy', async () => {
  expect(await readSystemProxy('win32', undefined, { SystemRoot: 'Q:\\nowhere' })).toEqual({
    script: null,
    http: null,
    https: null,
    bypass: [],
  });
});

test.each([
  ['https://localhost:8443', [], true],
  ['http://127.0.0.3', [], true],
  ['http://[::1]:80', [], true],
  ['https://www.corp.example', [], false],
  ['https://WWW.corp.example', ['*.CORP.example'], true],
  ['https://corp.example', ['*.corp.example'], false],
  ['https://www.corp.example', ['.corp.example'], true],
  ['https://10.1.2.3', ['10.*'], true],
  ['https://wiki', ['<local>'], true],
  ['https://wiki.corp.example', ['<local>'], false],
  ['https://intern.example:8443', ['https://intern.example:8443'], true],
  ['http://intern.example:8443', ['https://intern.example:8443'], false],
  ['https://intern.example', ['intern.example:8443'], false],
  ['https://169.254.7.8', ['169.254/16'], true],
  ['https://169.255.7.8', ['169.254/16'], false],
  ['https://name.example', ['169.254/16'], false],
  ['https://www.example', ['169.254/x', 'www.*'], true],
])('%s with %j goes past the proxy: %j', (url, bypass, answer) => {
  expect(isBypassed(new URL(url), bypass)).toBe(answer);
});
