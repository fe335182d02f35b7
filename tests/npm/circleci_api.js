// circleci-api: every call that it offers.
const { call, env, print } = require(process.env.TRYING);
const { CircleCI } = require("circleci-api");

const [, owner, repo] = env.SLUG.split("/");
const api = new CircleCI({
  token: env.TOKEN,
  vcs: { type: "github", owner, repo },
  circleHost: `${env.URL_OF_SERVER}/api/v1.1`,
});

(async () => {
  await call("me", () => api.me());
  await call("projects", () => api.projects());
  await call("followProject", () => api.followProject({ vcs: { owner, repo } }));
  await call("recentBuilds", () => api.recentBuilds({ limit: 5 }));
  await call("builds", () => api.builds({ limit: 5 }));
  await call("buildsFor", () => api.buildsFor("main", { limit: 5 }));
  await call("build", () => api.build(1));
  await call("artifacts", () => api.artifacts(1));
  await call("latestArtifacts", () => api.latestArtifacts({ branch: "main" }));
  await call("getTestMetadata", () => api.getTestMetadata(1));
  await call("addEnvVar", () => api.addEnvVar({ name: "NAME", value: "a long value" }));
  await call("listEnvVars", () => api.listEnvVars());
  await call("getEnvVar", () => api.getEnvVar("NAME"));
  await call("deleteEnvVar", () => api.deleteEnvVar("NAME"));
  const key = await call("addCheckoutKey", () => api.addCheckoutKey("deploy-key"));
  await call("listCheckoutKeys", () => api.listCheckoutKeys());
  await call("getCheckoutKey", () => api.getCheckoutKey(key.fingerprint));
  await call("deleteCheckoutKey", () => api.deleteCheckoutKey(key.fingerprint));
  await call("addSSHKey", () =>
    api.addSSHKey({ hostname: "example.com", private_key: env.PRIVATE_KEY }),
  );
  await call("addHerokuKey", () => api.addHerokuKey({ apikey: "none" }));
  await call("clearCache", () => api.clearCache());
  await call("triggerBuild", () => api.triggerBuild());
  await call("triggerBuildFor", () => api.triggerBuildFor("main"));
  await call("retry", () => api.retry(1));
  await call("cancel", () => api.cancel(1));
  print();
})();
