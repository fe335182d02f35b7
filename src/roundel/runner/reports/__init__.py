"""Test reports of a job: JUnit XML and Cucumber JSON become test results."""
