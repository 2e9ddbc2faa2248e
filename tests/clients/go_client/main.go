// A small program as a stranger would write it: signs in with azidentity and works on a Dataverse organization.
//
// It is told AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, HTTPS_PROXY and SSL_CERT_FILE by its
// environment, and the organization's address by its only argument. It lists the environments that the caller sees,
// makes an account, reads it back and deletes it, and prints one JSON object.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

const environments = "https://api.bap.microsoft.com/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments?api-version=2021-04-01"

type client struct {
	credential *azidentity.EnvironmentCredential
	scope      string
}

func (c client) send(method, url string, body any) (map[string]any, http.Header, error) {
	token, err := c.credential.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{c.scope}})
	if err != nil {
		return nil, nil, err
	}
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, nil, err
		}
		content = bytes.NewReader(raw)
	}
	request, err := http.NewRequest(method, url, content)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token.Token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Timeout: 30 * time.Second}).Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, nil, err
	}
	if answer.StatusCode >= 300 {
		return nil, nil, fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, raw)
	}
	document := map[string]any{}
	if len(raw) > 0 {
		err = json.Unmarshal(raw, &document)
	}
	return document, answer.Header, err
}

func work(organization string) (map[string]any, error) {
	credential, err := azidentity.NewEnvironmentCredential(nil)
	if err != nil {
		return nil, err
	}
	listed, _, err := client{credential, "https://service.powerapps.com/.default"}.send("GET", environments, nil)
	if err != nil {
		return nil, err
	}
	dataverse := client{credential, organization + "/.default"}
	_, header, err := dataverse.send("POST", organization+"/api/data/v9.2/accounts", map[string]any{"name": "From Go"})
	if err != nil {
		return nil, err
	}
	address := header.Get("OData-EntityId")
	account, _, err := dataverse.send("GET", address+"?$select=name", nil)
	if err != nil {
		return nil, err
	}
	if _, _, err = dataverse.send("DELETE", address, nil); err != nil {
		return nil, err
	}
	rows, _ := listed["value"].([]any)
	return map[string]any{"environments": len(rows), "name": account["name"], "address": address}, nil
}

func main() {
	done, err := work(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err = json.NewEncoder(os.Stdout).Encode(done); err != nil {
		os.Exit(1)
	}
}
