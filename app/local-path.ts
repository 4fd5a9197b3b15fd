import { z } from 'zod';

/** One of our own paths: a full address, or one that a browser reads as such, would lead away from here. */
export const localPath = z
  .string()
  .max(400)
  .regex(/^\/(?![/\\])[\w/.-]*$/);
