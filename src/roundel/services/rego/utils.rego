# What policies import as data.circleci.utils.
package circleci.utils

import rego.v1

to_set(value) := {value} if is_string(value)

to_set(value) := {item | some item in value} if is_array(value)

to_set(value) := value if is_set(value)

to_array(value) := [value] if is_string(value)

to_array(value) := value if is_array(value)

to_array(value) := [item | some item in value] if is_set(value)

# The name of what stands in a list as a text or as a map with one key.
get_element_name(element) := element if is_string(element)

get_element_name(element) := name if {
	is_object(element)
	some name, _ in element
}

is_parameterized_expression(value) if {
	is_string(value)
	regex.match(`<<.*>>`, value)
}
