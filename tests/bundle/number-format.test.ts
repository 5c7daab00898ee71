import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dateSerial, numberFormat, numberText } from '../../engine/bundle/number-format.ts';

const show = (stored: string, format: string | number = 0, date1904 = false) =>
  numberText(
    stored,
    typeof format === 'string' ? numberFormat(200, format) : numberFormat(format, undefined),
    date1904,
  );

test.each([
  ['0.30000000000000004', '0.3'],
  ['100000', '100000'],
  ['1E5', '100000'],
  ['1.0000000000000001E-7', '0.0000001'],
  ['-1.5E-10', '-0.00000000015'],
  ['1.2345678901234599E+19', '12345678901234600000'],
  ['1E+30', '1000000000000000000000000000000'],
  ['12345678901234567890', '12345678901234567890'],
  ['-0', '0'],
  ['0.1', '0.1'],
  ['5.0', '5'],
  ['1234.5600000000001', '1234.56'],
  ['not a number', 'not a number'],
])('plain number %s reads %s', (stored, text) => {
  expect(show(stored)).toBe(text);
});

test.each([
  ['7', '00000', '00007'],
  ['123456', '00000', '123456'],
  ['123456789', '000-00-0000', '123-45-6789'],
  ['7', '"SRC-"000', 'SRC-007'],
  ['1234', '00\\-0', '123-4'],
  ['7.5', '00000', '7.5'],
  ['-7', '00000', '-7'],
  ['100000', '#,##0', '100000'],
  ['100000', '0', '100000'],
  ['0.05', '0%', '0.05'],
  ['0.05', 9, '0.05'],
  ['12.5', '#,##0.00 [$€-407]', '12.5'],
  ['12345678901', '0.00E+00', '12345678901'],
  ['5000', '0" days"', '5000'],
  ['45322', '@', '45322'],
])('%s under format %s reads %s', (stored, format, text) => {
  expect(show(stored, format)).toBe(text);
});

test.each([
  ['45322', 14, '2024-01-31'],
  ['45322', 'yyyy-mm-dd', '2024-01-31'],
  ['45322', 'dd/mm/yyyy;@', '2024-01-31'],
  ['45322', '[$-409]d-mmm-yy', '2024-01-31'],
  ['45322', 'mmmm', '2024-01-31'],
  ['45322.5729166667', 22, '2024-01-31 13:45:00'],
  ['45322.5729166667', 14, '2024-01-31 13:45:00'],
  ['45322', 22, '2024-01-31 00:00:00'],
  ['45322.999999999', 14, '2024-02-01'],
  ['45322.500011574', 'yyyy-mm-dd hh:mm:ss.000', '2024-01-31 12:00:01'],
  ['45322.5000057870', 22, '2024-01-31 12:00:00.500'],
  ['0.5729166667', 20, '13:45:00'],
  ['0.5', 'h:mm AM/PM', '12:00:00'],
  ['1.25', '[h]:mm', '30:00:00'],
  ['60', 14, '1900-02-29'],
  ['59', 14, '1900-02-28'],
  ['61', 14, '1900-03-01'],
  ['1', 14, '1900-01-01'],
  ['2958465', 14, '9999-12-31'],
  ['-1', 14, '-1'],
  ['99999999', 14, '99999999'],
])('serial %s under date format %s reads %s', (stored, format, text) => {
  expect(show(stored, format)).toBe(text);
});

test.each(['Pacific/Kiritimati', 'America/Los_Angeles', 'Europe/Berlin', 'Asia/Kolkata'])(
  'no day shifts in %s',
  (TZ) => {
    const url = new URL('../../engine/bundle/number-format.ts', import.meta.url).href;
    const script = `import { numberText } from ${JSON.stringify(url)};
    console.log(numberText('45322', { kind: 'date', time: false }, false), numberText('45382.0625', { kind: 'date', time: true }, false));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, TZ },
      encoding: 'utf8',
    });
    expect(output.trim()).toBe('2024-01-31 2024-03-31 01:30:00');
  },
);

test('dates go to serial numbers and back', () => {
  const days = fc.date({
    min: new Date('1900-03-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(days, fc.boolean(), (date, time) => {
      const iso = date.toISOString();
      const text = time ? `${iso.slice(0, 10)} ${iso.slice(11, 19)}` : iso.slice(0, 10);
      expect(numberText(String(dateSerial(text, false)), { kind: 'date', time }, false)).toBe(text);
    }),
  );
});
