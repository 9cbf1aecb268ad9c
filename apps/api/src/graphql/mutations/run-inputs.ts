import { oneId } from "./one-id.ts";

export const CancelRunInput = oneId("CancelRunInput", "A run to cancel.", "Which run.");
