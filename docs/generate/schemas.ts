import { z } from 'zod';
import { bundleModel } from '../../engine/bundle/bundle-document.ts';
import {
  apiConnectionModel,
  azureSqlConnectionModel,
  filesystemConnectionModel,
  mssqlConnectionModel,
  oracleConnectionModel,
  postgresConnectionModel,
} from '../../engine/spec/connection.ts';
import { destinationModels } from '../../engine/spec/destination.ts';
import { historyModel } from '../../engine/spec/history.ts';
import { type JobColumn, jobColumns } from '../../engine/spec/job-columns.ts';
import { keyVaultModel } from '../../engine/spec/key-vault.ts';
import { metricsModel } from '../../engine/spec/metrics.ts';
import { notificationsModel } from '../../engine/spec/notifications.ts';
import { resourceOptionsModel } from '../../engine/spec/resource.ts';
import { telemetryModel } from '../../engine/spec/telemetry.ts';

type Schema = Record<string, unknown>;

const HEAD = { $schema: 'https://json-schema.org/draft/2020-12/schema' };

/** JSON Schemas of everything that a person or a program writes or reads, by file name. */
export function jsonSchemas(): Record<string, Schema> {
  return {
    'job-row.schema.json': jobRow(),
    'config.schema.json': config(),
    'bundle.schema.json': { ...HEAD, title: 'bundle.json of an exported project', ...converted(bundleModel) },
    'metrics.schema.json': { ...HEAD, title: 'Metrics of a run', ...converted(metricsModel, 'output') },
  };
}

/** One row of sheet `SourceConfig`, each cell under its header. */
function jobRow(): Schema {
  const columns = Object.entries(jobColumns as Record<string, JobColumn>);
  return {
    ...HEAD,
    title: 'A row of sheet SourceConfig',
    description: 'A cell that is not set is left out. Enums take any case; other headers are kept and not read.',
    type: 'object',
    required: columns.filter(([, column]) => column.required).map(([name]) => name),
    properties: Object.fromEntries(columns.map(([name, column]) => [name, cell(column)])),
  };
}

function cell(column: JobColumn): Schema {
  const about = {
    title: column.label,
    description: column.help,
    ...(column.default === null ? {} : { default: column.default }),
    examples: [column.example],
  };
  switch (column.kind) {
    case 'enum':
      return {
        ...about,
        type: 'string',
        pattern: anyCase([...(column.values ?? []), ...Object.keys(column.aliases ?? {})]),
      };
    case 'flag':
      return {
        ...about,
        type: ['string', 'boolean', 'integer'],
        pattern: anyCase(['Y', 'N', 'yes', 'no', 'true', 'false', '1', '0']),
      };
    case 'integer':
      return {
        ...about,
        type: ['integer', 'string'],
        pattern: '^\\d+$',
        ...(column.min === undefined ? {} : { minimum: column.min }),
        ...(column.max === undefined ? {} : { maximum: column.max }),
      };
    case 'text':
    case 'list':
    case 'types':
    case 'lag':
      return {
        ...about,
        type: ['string', 'number'],
        ...(column.maxLength === undefined ? {} : { maxLength: column.maxLength }),
        ...(column.pattern === undefined ? {} : { pattern: column.pattern.source }),
      };
    default:
      return column.kind satisfies never;
  }
}

/** JSON Schema's patterns know no flags. */
function anyCase(words: readonly string[]): string {
  const word = (text: string) =>
    [...text]
      .map((letter) => (/[a-z]/i.test(letter) ? `[${letter.toUpperCase()}${letter.toLowerCase()}]` : letter))
      .join('');
  return `^(${words.map(word).join('|')})$`;
}

/** `.dlt/config.toml`; the secrets belong to the environment, a vault, the keychain or `.dlt/secrets.toml`. */
function config(): Schema {
  const sources = [
    postgresConnectionModel,
    oracleConnectionModel,
    mssqlConnectionModel,
    azureSqlConnectionModel,
    apiConnectionModel,
    filesystemConnectionModel,
  ].map(section);
  const destinations = Object.values(destinationModels).map(section);
  const resources = { type: 'object', additionalProperties: converted(resourceOptionsModel) };
  return {
    ...HEAD,
    title: '.dlt/config.toml',
    description:
      "Keys of a connection may also stand in its .credentials table; dlt's names and the plan's flat keys are read, too. Other keys are reported and ignored.",
    type: 'object',
    properties: {
      sources: {
        type: 'object',
        additionalProperties: {
          anyOf: sources.map((source) => ({
            ...source,
            properties: { ...withMinuteRate(source['properties'] as Schema), resources },
          })),
        },
      },
      destination: {
        type: 'object',
        properties: {
          type: { type: 'string' },
          ...Object.fromEntries(Object.keys(destinationModels).map((kind, index) => [kind, destinations[index]])),
        },
      },
      destinations: { type: 'object', additionalProperties: { anyOf: destinations } },
      notifications: section(notificationsModel),
      telemetry: section(telemetryModel),
      history: section(historyModel),
      key_vault: section(keyVaultModel),
    },
  };
}

/** The plan's `rate_limit = 30`, beside the table that the engine receives. */
function withMinuteRate(properties: Schema): Schema {
  const { rate_limit: table } = properties;
  if (table === undefined) return properties;
  const number = { type: 'number', minimum: 1, maximum: 60_000, description: 'Requests a minute' };
  return { ...properties, rate_limit: { anyOf: [table, number] } };
}

/** A section of the file: its name is its key, and any value may come from the environment instead, so that none is required. */
function section(model: z.ZodType): Schema {
  const { required: _, additionalProperties: __, properties, ...rest } = converted(model);
  const { name: ___, ...keys } = properties as Schema;
  return { ...rest, properties: keys };
}

function converted(model: z.ZodType, io: 'input' | 'output' = 'input'): Schema {
  const { $schema: _, ...schema } = z.toJSONSchema(model, { io, unrepresentable: 'any' }) as Schema;
  return schema;
}
