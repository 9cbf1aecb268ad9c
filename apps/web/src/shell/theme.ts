/** The reader's choice is a cookie, so that the page comes from the server in the right colours. */
export const themeCookie = "tidemark-theme";

export type Theme = "system" | "light" | "dark";

export function readTheme(value: string | undefined): Theme {
  return value === "light" || value === "dark" ? value : "system";
}
