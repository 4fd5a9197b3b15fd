// What an edge without a key file is told: the variables of docs/dba.md, read once.
import type { Services } from '../app/services.ts';
import { isPublicOrigin } from './client.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The part of Services that is secret. Errors name the variable and never its value. */
export function readSecrets(environment: Environment): Pick<Services, 'ring' | 'pepper'> {
  const ring = need(environment, 'VITAL_KEYS');
  const [, id, key] = /^\s*([\w-]{1,32})=([A-Za-z0-9+/]{43}=)\s*$/.exec(need(environment, 'VITAL_PEPPER')) ?? [];
  if (!id || !key)
    throw new Error("VITAL_PEPPER isn't of the form name=base64 of 32 bytes: put it back from your backup.");
  return { ring, pepper: { id, key: Uint8Array.from(atob(key), (byte) => byte.charCodeAt(0)) } };
}

export function need(environment: Environment, name: string): string {
  const value = environment[name];
  if (!value) throw new Error(`${name} is missing: put it into the environment.`);
  return value;
}

/** PUBLIC_ORIGIN: the one address that browsers reach us by, if it is said. */
export function readOrigin(environment: Environment): { origin?: string } {
  const origin = environment.PUBLIC_ORIGIN;
  if (!origin) return {};
  if (!isPublicOrigin(origin))
    throw new Error('PUBLIC_ORIGIN must be like https://dossier.exemple.fr, in small letters and without a path.');
  return { origin };
}

/** PLACE_HEADER: in which header our proxy says where a request comes from; without it none is believed. */
export function readPlaceHeader(environment: Environment): { placeHeader?: string } {
  const placeHeader = environment.PLACE_HEADER?.toLowerCase();
  if (!placeHeader) return {};
  if (!/^[a-z0-9-]{1,60}$/.test(placeHeader)) throw new Error('PLACE_HEADER must be the name of a header, like x-geo.');
  return { placeHeader };
}

/** HOST, PORT and TRUST_PROXY. Errors are sentences: a record never goes over a network in clear. */
export function readPlace(environment: Environment): { host: string; port: number; proxied: boolean } {
  const host = environment.HOST || '127.0.0.1';
  const port = Number(environment.PORT || 3000);
  const proxied = ['1', 'true', 'yes'].includes((environment.TRUST_PROXY ?? '').toLowerCase());
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error('PORT must be a number from 0 to 65535.');
  if (!proxied && !['127.0.0.1', 'localhost', '::1'].includes(host))
    throw new Error(`HOST=${host} needs a reverse proxy with TLS in front: set TRUST_PROXY=1 when it is there.`);
  return { host, port, proxied };
}
