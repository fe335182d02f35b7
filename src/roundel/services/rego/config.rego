# What policies import as data.circleci.config.
package circleci.config

import data.circleci.utils
import rego.v1

# The orbs of the config: name to version.
orbs[name] := version if {
	some reference in input.orbs
	is_string(reference)
	[name, version] := split(reference, "@")
}

# Names of all jobs that workflows call.
jobs contains name if {
	some call in input.workflows[_].jobs
	name := utils.get_element_name(call)
}

require_orbs(wanted) := {name: reason |
	some name in utils.to_set(wanted)
	not orbs[name]
	reason := sprintf("%s orb is required", [name])
}

require_orbs_version(wanted) := {reference: reason |
	some reference in utils.to_set(wanted)
	not _has(reference)
	reason := sprintf("%s orb is required", [reference])
}

ban_orbs(banned) := {name: reason |
	some name in utils.to_set(banned)
	orbs[name]
	reason := sprintf("%s orb is not allowed in CircleCI configuration", [name])
}

ban_orbs_version(banned) := {reference: reason |
	some reference in utils.to_set(banned)
	_has(reference)
	reason := sprintf("%s orb is not allowed in CircleCI configuration", [reference])
}

_has(reference) if {
	[name, version] := split(reference, "@")
	orbs[name] == version
}

require_jobs(wanted) := {name: reason |
	some name in utils.to_set(wanted)
	not name in jobs
	reason := sprintf("%s job is required", [name])
}

# Resource classes that are reserved: class to the ids of the projects that may use it.
resource_class_by_project(reserved) := {job: reason |
	some job, body in input.jobs
	projects := reserved[body.resource_class]
	not data.meta.project_id in utils.to_set(projects)
	reason := sprintf(
		"project is not allowed to use resource_class \"%s\" declared in job \"%s\"",
		[body.resource_class, job],
	)
}

# [job, context] of every call that uses a context.
_uses contains [job, context] if {
	some call in input.workflows[_].jobs
	is_object(call)
	some job, body in call
	some context in utils.to_set(object.get(body, "context", []))
}

contexts_allowed_by_project_ids(projects, allowed) := {reason: reason |
	data.meta.project_id in utils.to_set(projects)
	some [job, context] in _uses
	not context in utils.to_set(allowed)
	reason := sprintf("%s job uses context %s, which is not allowed in this project", [job, context])
}

contexts_blocked_by_project_ids(projects, blocked) := {reason: reason |
	data.meta.project_id in utils.to_set(projects)
	some [job, context] in _uses
	context in utils.to_set(blocked)
	reason := sprintf("%s job uses context %s, which is blocked in this project", [job, context])
}

contexts_reserved_by_project_ids(projects, reserved) := {reason: reason |
	not data.meta.project_id in utils.to_set(projects)
	some [job, context] in _uses
	context in utils.to_set(reserved)
	reason := sprintf("%s job uses context %s, which is reserved for other projects", [job, context])
}

contexts_reserved_by_branches(branches, reserved) := {reason: reason |
	not _branch in utils.to_set(branches)
	some [job, context] in _uses
	context in utils.to_set(reserved)
	reason := sprintf("%s job uses context %s, which is reserved for other branches", [job, context])
}

default _branch := ""

_branch := data.meta.vcs.branch
