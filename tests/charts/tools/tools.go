// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools names what go.mod is for, so that `go mod tidy` keeps it.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
