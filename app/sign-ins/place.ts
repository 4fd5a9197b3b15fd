/** « Lyon (FR) » of `FR/Lyon/45.76,4.84` (edge/client.ts); the country alone where the city isn't known. */
export function placeName(place: string): string {
  const [country = '', city = ''] = place.split('/');
  return city ? `${city} (${country})` : country;
}
