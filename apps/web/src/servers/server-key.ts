/** What an address names a server by: its name, or its id where the name is no address (a server called `add`). */
export function serverVariables(key: string): { readonly id?: string; readonly name?: string } {
  const name = decodeURIComponent(key);
  return /^srv_[0-9a-z]{26}$/.test(name) ? { id: name } : { name };
}
