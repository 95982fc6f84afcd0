/** Schemas of single values in the calls and files of the app. */
import * as v from 'valibot';

export const finite = v.pipe(v.number(), v.finite());
export const isoDate = v.pipe(v.string(), v.isoTimestamp());
/** Something per second; null where it was not measured. */
export const rate = v.nullable(v.pipe(finite, v.minValue(0)));

/** Chats' ids are file names, so they are letters, digits, `_` and `-` only. */
export const chatId = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{1,64}$/, 'Expected a chat id: up to 64 letters, digits, _ and -'),
);

export const shortText = v.pipe(v.string(), v.maxLength(1000));

export const tokenCount = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
