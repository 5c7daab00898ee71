import { IngestError } from '../../errors.ts';

/** Why a value has no place in its column's type. */
export type Rejection = 'not_finite' | 'too_large' | 'too_many_decimals' | 'out_of_range' | 'not_unicode';

/** Ends the read because a value cannot land exactly. */
export type RejectValue = (value: string, why: Rejection) => never;

/** A value that cannot land exactly, with the ways out. */
export function valueError(object: string, column: string, type: string, value: string, why: Rejection): IngestError {
  const place = `${object}, column "${column}"`;
  const asText = `column_types: ${column}:varchar reads the column as text`;
  switch (why) {
    case 'not_finite':
      return new IngestError('VALUE_NOT_FINITE', `${place}: the value ${value} has no place in ${type}.`, {
        hint: `${asText}; or leave such rows out with filter.`,
      });
    case 'too_large':
      return new IngestError('VALUE_TOO_LARGE', `${place}: the value ${shorten(value)} is too large for ${type}.`, {
        hint: `Give the column a wider type, e.g. column_types: ${column}:decimal(38,2); ${asText}.`,
      });
    case 'too_many_decimals':
      return new IngestError(
        'VALUE_TOO_PRECISE',
        `${place}: the value ${shorten(value)} has more decimals than ${type} keeps.`,
        { hint: `Give the column a larger scale, e.g. column_types: ${column}:decimal(38,18); ${asText}.` },
      );
    case 'out_of_range':
      return new IngestError('VALUE_OUT_OF_RANGE', `${place}: ${value} is beyond what ${type} holds.`, {
        hint: `${asText}; or leave such rows out with filter.`,
      });
    case 'not_unicode':
      return new IngestError('VALUE_NOT_UNICODE', `${place}: the text ${shorten(value)} holds half a character.`, {
        hint: 'The row keeps one half of a surrogate pair, which UTF-8 cannot hold. Correct it, or leave such rows out with filter.',
      });
    default:
      return why satisfies never;
  }
}

function shorten(value: string): string {
  return value.length > 80 ? `${value.slice(0, 77)}…` : value;
}
