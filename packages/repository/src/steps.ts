/**
 * The points between which a process may die, in the order of each act. Tests kill or fail at every one of them and
 * check what is left; `onStep` is called when a point is reached.
 */
export const repositorySteps = [
  "create:before-key",
  "create:before-document",
  "create:after-document",
  "backup:before-lease",
  "backup:after-lease",
  "pack:before-put",
  "pack:after-put",
  "manifest:before-put",
  "manifest:after-put",
  "commit:after-lease",
  "abort:before-revoke",
  "abort:before-packs",
  "abort:before-lease",
  "mark:before-put",
  "mark:after-put",
  "delete:before-manifest",
  "delete:after-manifest",
  "delete:after-marks",
  "collect:before-mark",
  "collect:before-revoke",
  "collect:before-remove",
  "collect:after-remove",
  "collect:before-tidy",
] as const;

export type RepositoryStep = (typeof repositorySteps)[number];

/** May throw or never return; what was durable before stays valid. */
export type OnStep = (step: RepositoryStep) => void | Promise<void>;
