import manifest from "../package.json" with { type: "json" };

/** The version of the product, as `/version` and the system page say it. */
export const version: string = manifest.version;
