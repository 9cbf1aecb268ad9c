/** A value a JSON column holds. Bytes and LSNs go in as decimal strings. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
