/** Of this command and the agent. */
export const version = "0.1.0";
