"""Jobs in containers of a Docker or Podman engine on this machine."""

from roundel.backends.docker.backend import DockerBackend
from roundel.backends.docker.engines import RemoteDocker, parse_remote_docker
from roundel.backends.docker.images import ImageRule, parse_image_rule

__all__ = ["DockerBackend", "ImageRule", "RemoteDocker", "parse_image_rule", "parse_remote_docker"]
