#!/usr/bin/env bash
# Packs what the repository publishes: eng/pack.sh [FOLDER]     (default: artifacts/packages)
#
# The same sources give the same assemblies wherever they are: paths are mapped as on a CI machine. A warning of `dotnet pack` fails it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec dotnet pack VmStateGen.sln -c Release -o "${1:-artifacts/packages}" -p:ContinuousIntegrationBuild=true
