import { expect, test } from 'vitest';
import { validateProject } from '../../engine/spec/validate-project.ts';
import { jobRow, rawProject, sheet } from './raw-project.ts';

const API = { type: 'api', base_url: 'https://api.example.com' };

/** Findings of a project with resources `users`, `posts` and one more job, whose options are `options`. */
function findings(api_endpoint: string, options: Record<string, unknown> = {}, table_name = 'likes') {
  const sources = {
    api: {
      ...API,
      resources: { posts: { parent: { resource: 'users', field: 'id' } }, [table_name]: options },
    },
  };
  const jobs = [
    ...['users', 'posts'].map((name) => jobRow({ source_type: 'api', source_name: 'api', table_name: name })),
    jobRow({ source_type: 'api', source_name: 'api', table_name, api_endpoint }),
  ];
  const raw = {
    ...rawProject([], { config: { sources, destination: { duckdb: {} } } }),
    jobs: sheet('SourceConfig', jobs),
  };
  return validateProject(raw).findings.map(({ code, row, column, value, hint }) => ({
    code,
    row,
    column,
    value,
    hint,
  }));
}

test.each([
  ['/users/{resources.users.id}/likes'],
  ['/users/{ resources.users.profile.id }/likes'],
  ["/users/{resources.users.keys[0]['a b']}/likes"],
  ['/users/{resources.users.$..id}/likes'],
  ['/likes?since={incremental.start_value}&until={incremental.end_value}'],
  ['/posts/{resources.posts.id}/likes'],
])('%s is fine', (endpoint) => {
  expect(findings(endpoint)).toEqual([]);
});

test.each([
  ['/users/{resources.user.id}/likes', 'JOB_PARENT_UNKNOWN', 'Did you mean users?'],
  ['/users/{resources.users}/likes', 'JOB_PLACEHOLDER', expect.stringContaining('{resources.users.id}')],
  ['/users/{resources.users.}/likes', 'JOB_PLACEHOLDER', expect.stringContaining('{resources.users.id}')],
  ['/users/{resources.users.a..b}/likes', 'JOB_PLACEHOLDER', expect.stringContaining('{resources.users.id}')],
  ['/users/{resources.users.id[}/likes', 'JOB_PLACEHOLDER', expect.stringContaining('{resources.users.id}')],
  ['/users/{resource.users.id}/likes', 'JOB_PLACEHOLDER', 'Did you mean resources?'],
  ['/likes?since={incremental.start_valu}', 'JOB_PLACEHOLDER', 'Did you mean start_value?'],
  ['/users/{resources.users.id}/{resources.posts.id}', 'JOB_PARENT_SEVERAL', expect.any(String)],
  ['/likes/{resources.likes.id}', 'JOB_PARENT_LOOP', expect.any(String)],
])('%s is found at its cell: %s', (endpoint, code, hint) => {
  expect(findings(endpoint)).toEqual([{ code, row: 4, column: 'api_endpoint', value: endpoint, hint }]);
});

test('placeholders of parameters, headers and body are found at the table, whose options hold them', () => {
  const wrong = '{resources.user.id}';
  for (const options of [
    { params: { u: wrong } },
    { headers: { 'X-User': wrong } },
    { method: 'POST', body: { user: { id: [wrong] } } },
    { params: { u: { type: 'resolve', resource: 'user', field: 'id' } } },
  ])
    expect(findings('/likes', options)).toMatchObject([
      { code: 'JOB_PARENT_UNKNOWN', row: 4, column: 'table_name', value: 'likes', hint: 'Did you mean users?' },
    ]);
});

test('parents that lead back are found', () => {
  const found = findings('/users/{resources.posts.id}', {}, 'users');
  expect(found.filter(({ code }) => code === 'JOB_PARENT_LOOP').map(({ row }) => row)).toContain(4);
});
