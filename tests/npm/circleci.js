// circleci: every call that it offers; it knows GitHub alone and leaves its name out of paths.
const { call, env, print } = require(process.env.TRYING);
const CircleCI = require("circleci");

const ci = new CircleCI({ auth: env.TOKEN });
ci.request.url = `${env.URL_OF_SERVER}/api/v1/`;
const [, username, project] = env.SLUG.split("/");
const it = { username, project };

(async () => {
  await call("getUser", () => ci.getUser());
  await call("getProjects", () => ci.getProjects());
  await call("getRecentBuilds", () => ci.getRecentBuilds({ limit: 5, offset: 0 }));
  await call("getBuilds", () => ci.getBuilds({ ...it, limit: 5 }));
  await call("getBranchBuilds", () => ci.getBranchBuilds({ ...it, branch: "main" }));
  await call("getBuild", () => ci.getBuild({ ...it, build_num: 1 }));
  await call("getBuildArtifacts", () => ci.getBuildArtifacts({ ...it, build_num: 1 }));
  await call("getTestMetadata", () => ci.getTestMetadata({ ...it, build_num: 1 }));
  await call("setEnvVar", () =>
    ci.setEnvVar({ ...it, body: { name: "NAME", value: "a long value" } }),
  );
  await call("getEnvVars", () => ci.getEnvVars(it));
  await call("getEnvVar", () => ci.getEnvVar({ ...it, name: "NAME" }));
  await call("deleteEnvVar", () => ci.deleteEnvVar({ ...it, name: "NAME" }));
  await call("clearBuildCache", () => ci.clearBuildCache(it));
  await call("startBuild", () => ci.startBuild({ ...it, branch: "main" }));
  await call("retryBuild", () => ci.retryBuild({ ...it, build_num: 1 }));
  await call("cancelBuild", () => ci.cancelBuild({ ...it, build_num: 1 }));
  print();
})();
